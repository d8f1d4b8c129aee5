"""What the Learn tab computes: the numbers of a text, pitfalls and their damage, games, sheets for a class."""
