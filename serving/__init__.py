"""Service, Configuration, Revision and Route: API types and reconcilers."""
