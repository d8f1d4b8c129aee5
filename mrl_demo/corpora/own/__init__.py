"""Collections of a person: files, folders, archives, pictures and data sets of the Hub, read as documents."""
