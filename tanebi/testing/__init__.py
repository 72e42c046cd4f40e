"""Fakes and contract kits, for our tests and for authors of plug-ins."""
