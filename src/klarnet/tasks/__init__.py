"""Tasks: model builders, and what turns outputs into answers."""
