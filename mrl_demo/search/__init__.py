"""From vectors to a ranking: exact, quantised and sketched search."""
