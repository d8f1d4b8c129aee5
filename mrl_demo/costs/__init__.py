"""What vectors cost to serve: memory, disk and money for full, cut and funnelled search, from editable prices."""
