"""The network: a graph of layers over flat buffers, its passes, its summary and its file."""

from __future__ import annotations

from .network import BaseNetwork
from .scaling import InputScaling

__all__ = ["BaseNetwork", "InputScaling"]
