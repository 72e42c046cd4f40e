"""Pods as containers of Podman or Docker, over the Docker Engine API."""
