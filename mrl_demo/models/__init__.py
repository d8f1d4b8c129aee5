"""Everything that turns text into vectors: specs, arms, encoders, adapters."""
