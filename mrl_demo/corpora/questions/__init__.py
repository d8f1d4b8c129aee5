"""What is asked of a collection: judged questions, what stands in for them, pairs to train on, and a typed line."""
