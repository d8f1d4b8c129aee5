"""Encode once, score everything: metrics, paired intervals, the sweep over arms, dimensions and precisions."""
