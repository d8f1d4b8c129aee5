"""Fine-tuning of Matryoshka embedding models: `python -m training --help`."""
