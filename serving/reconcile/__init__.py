"""The reconcilers of the serving kinds: pure functions from a resource and the seen world to a Plan."""
