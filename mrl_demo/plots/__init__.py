"""Figures, free of Gradio."""
