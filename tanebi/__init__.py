"""Tanebi (種火, the pilot light): Knative's API in one Python process."""

__version__ = "0.1.0"
