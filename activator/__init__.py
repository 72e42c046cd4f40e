"""The data plane: gateway table, throttler, proxy."""
