"""Kubernetes' own kinds, as far as this house uses them: typed views and declarations."""
