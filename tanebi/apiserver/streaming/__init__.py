"""Connections that become streams: exec, attach and port-forward of pods, over WebSocket and SPDY/3.1."""
