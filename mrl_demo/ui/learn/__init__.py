"""The Learn tab: five screens, pitfalls, games, a sheet for a class, what others found."""
