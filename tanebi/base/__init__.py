"""Clock, random source, errors, settings, log, metrics: what everything stands on."""
