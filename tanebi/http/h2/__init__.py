"""HTTP/2 (RFC 9113): pure framing, streams and heads, and the two sides of an exchange that stand on them."""
