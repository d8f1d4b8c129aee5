"""Pairs to train on: read, checked, split."""
