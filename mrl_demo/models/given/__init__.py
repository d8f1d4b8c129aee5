"""Vectors that somebody else's model made: read from files, checked, and looked up by text; no model is loaded."""
