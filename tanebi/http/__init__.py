"""HTTP without I/O, and the uvloop engine that gives it sockets."""
