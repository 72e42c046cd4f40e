"""CustomResourceDefinitions: what they may say, the kinds they make, and their life."""
