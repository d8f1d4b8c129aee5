"""Many texts at a time: sorted by length, packed without padding, over several devices."""
