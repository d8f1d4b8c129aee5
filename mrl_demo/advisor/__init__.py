"""From curves to a decision: the smallest setting that keeps what was asked for, and how sure that is."""
