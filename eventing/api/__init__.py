"""What the other packages may import of `eventing`: kinds, types and protocols."""
