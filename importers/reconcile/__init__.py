"""Reconcilers of source kinds."""
