"""Tuning: many trainings of one recipe with other settings, judged on validation data alone."""

from __future__ import annotations

from .space import Space, space_of
from .study import Study
from .trial import Trial

__all__ = ["Space", "Study", "Trial", "space_of"]
