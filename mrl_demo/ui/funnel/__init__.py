"""The Funnel tab: search in stages, proofs, and a length for each query."""
