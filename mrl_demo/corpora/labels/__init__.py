"""Labels of documents: paths, parts of a collection, what they may teach, and words where there is none."""
