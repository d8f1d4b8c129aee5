"""Ground floor: types, errors, vectors, settings, storage. Imports nothing else of the project."""
