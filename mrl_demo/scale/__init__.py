"""Collections that do not fit in memory: vectors in shards, encoded in shares, measured block by block."""
