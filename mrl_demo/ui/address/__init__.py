"""What the page's address says, free of Gradio: the kinds of values, and which parameter sets which control."""
