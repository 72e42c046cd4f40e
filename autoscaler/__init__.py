"""PodAutoscaler: metric windows, decide(), scale to zero, reconciler."""
