"""Values of one query: what is judged, where its relevant documents stand over ties, metrics and agreement."""
