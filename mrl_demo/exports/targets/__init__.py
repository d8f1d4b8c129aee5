"""One file a target: what an engine or server needs to run a setting."""
