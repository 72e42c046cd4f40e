"""Scaling played in virtual time: traffic in, the real cores of activator and autoscaler between, a report out. Pure."""
