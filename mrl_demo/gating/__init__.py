"""How long a vector each query gets: by a gate on its short ranking, by a budget, or by the load."""
