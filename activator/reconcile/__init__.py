"""The data plane's own reconciler."""
