"""What the other packages may import of `autoscaler`: kinds, types and protocols."""
