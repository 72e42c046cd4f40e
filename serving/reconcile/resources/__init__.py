"""Makers: each turns an owner into one desired child. Pure."""
