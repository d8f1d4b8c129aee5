"""What is done to an encoder's vectors before the cut: one file a transform, all behind one protocol."""
