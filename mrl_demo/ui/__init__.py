"""The page: pure renderers from dataclasses to HTML, and the Gradio wiring around them."""
