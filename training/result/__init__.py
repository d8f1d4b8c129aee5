"""What a run leaves: folder, card, publication, events."""
