"""Models that come with the project or with pinned packages: the base's files, adapters over it, two more."""
