"""2D Matryoshka: one encoder whose every layer gives usable vectors, at every length (arXiv 2402.14776, 2410.13230)."""
