"""What the other packages may import of `serving`: kinds, types and protocols."""
