"""The training itself: model, losses, start, trainer, validation."""
