"""Arms x lengths x precisions: the plan, the sweep, its rows, and what is read out of them."""
