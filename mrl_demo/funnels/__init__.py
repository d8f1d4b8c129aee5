"""Rooms of measurement: what a funnel keeps, loses, proves and saves on a collection."""
