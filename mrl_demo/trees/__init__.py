"""What ever longer prefixes know of a collection: a tree of its documents, and the path a question takes down it."""
