"""The vocabulary of the Kubernetes API as pure values."""
