"""Score cut-offs: what a cosine threshold at full length becomes for shorter or coarser vectors."""
