"""How long searches take against length: here, and in an engine."""
