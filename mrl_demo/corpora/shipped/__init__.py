"""Collections that need no file: those that come with the project, and docstrings of this interpreter."""
