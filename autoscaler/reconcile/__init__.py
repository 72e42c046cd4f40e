"""PodAutoscaler and ServerlessService: pure `desired()` each."""
