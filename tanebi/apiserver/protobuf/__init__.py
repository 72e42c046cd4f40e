"""Kubernetes' protobuf request bodies as the JSON objects that the rest of the server reads."""
