"""Contenders: a model and what is done to its vectors before the cut."""
