"""What the other packages may import of `importers`: kinds, types and protocols."""
