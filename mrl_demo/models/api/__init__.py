"""Embedding models behind an API: keys from the environment alone, paid for only when somebody says yes."""
