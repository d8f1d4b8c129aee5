"""A link's picture and words elsewhere, and the menu that gives links away."""
