"""Fonts of the visitor's own system and quiet colours; everything else is in `ui/static/style.css`."""

from __future__ import annotations

import gradio as gr

SANS = ("-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "Liberation Sans", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")


def theme() -> gr.themes.Base:
    """A flat theme that loads no font from anywhere."""
    base = gr.themes.Base(
        primary_hue="red", secondary_hue="orange", neutral_hue="stone", radius_size="md", font=SANS, font_mono=MONO
    )
    return base.set(
        body_background_fill="#faf8f5",
        body_background_fill_dark="#131417",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_title_text_size="13px",
        block_title_text_weight="600",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1d1f24",
        input_border_color="#cfc8bf",
        input_border_color_dark="#41454e",
        input_border_width="1px",
        input_radius="10px",
        color_accent="#a8321f",  # A text too, the selected tab: 6.6:1 on the paper. style.css has the dark one.
        checkbox_background_color_selected_dark="#c2452f",
        checkbox_border_color_selected_dark="#c2452f",
        button_primary_background_fill="#a8321f",
        button_primary_background_fill_hover="#8e2817",
        button_primary_background_fill_dark="#c2452f",
        button_primary_background_fill_hover_dark="#b53c28",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_large_radius="10px",
        layout_gap="12px",
    )
