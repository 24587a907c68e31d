"""klarnet: neural networks you can read, trained fast on the CPU you have."""
from __future__ import annotations

__version__ = "0.1.0"
