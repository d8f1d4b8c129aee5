"""The facade that page, command line and scripts call."""
