"""Embedding servers: does what comes back equal what was asked for."""
