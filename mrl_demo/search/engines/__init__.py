"""Servers and files that keep a collection's vectors: one protocol, an adapter each, loading that can be resumed."""
