"""The functions that Kubernetes 1.32 adds to CEL. Pure."""
