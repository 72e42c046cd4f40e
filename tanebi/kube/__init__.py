"""The one seam to the Kubernetes API."""
