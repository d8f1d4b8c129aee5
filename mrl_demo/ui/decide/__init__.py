"""The Decide tab: a setting, its proof, the new cut-off, the price, and what to take along."""
