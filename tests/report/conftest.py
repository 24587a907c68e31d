"""The reader of pages is a module of its own, which the tests of this folder import."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
