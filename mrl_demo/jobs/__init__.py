"""Training runs as processes of their own: request, line, events."""
