"""The named calls as Gradio endpoints and MCP tools."""
