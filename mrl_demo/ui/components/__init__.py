"""Pure functions from dataclasses to HTML strings; nothing here knows Gradio."""
