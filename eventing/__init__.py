"""Broker and Trigger: API types, reconcilers, the event log and delivery."""
