"""The fine-tune on broad pairs: big batches, every prefix taught at once, the base model as teacher and filter."""
