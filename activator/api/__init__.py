"""What the other packages may import of `activator`: kinds, types and protocols."""
