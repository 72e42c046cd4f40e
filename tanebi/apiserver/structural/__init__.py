"""Structural schemas of user-defined kinds: is the schema fit, and does an object fit it."""
