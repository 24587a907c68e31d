"""Training: one step, many epochs, what may watch, and what is written down."""

# ruff: noqa: F401
from __future__ import annotations

from typing import TYPE_CHECKING

from klarnet.lazy import lazily

if TYPE_CHECKING:  # what a type checker and an editor see
    from .callbacks import Callback, EarlyStopping
    from .checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
    from .checkpointing import Checkpoint
    from .diagnosis import NotFiniteError
    from .gradient_check import check_gradients
    from .history import History
    from .profiling import Profile, profile
    from .progress import Progress
    from .rate_range import RateCurve, lr_find
    from .tensorboard import TensorBoard
    from .trainer import Trainer
    from .transfer import Unfreeze
    from .watch import Watch

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "callbacks": "Callback EarlyStopping",
        "checkpoint": "load_checkpoint read_checkpoint save_checkpoint",
        "checkpointing": "Checkpoint",
        "diagnosis": "NotFiniteError",
        "gradient_check": "check_gradients",
        "history": "History",
        "profiling": "Profile profile",
        "progress": "Progress",
        "rate_range": "RateCurve lr_find",
        "tensorboard": "TensorBoard",
        "trainer": "Trainer",
        "transfer": "Unfreeze",
        "watch": "Watch",
    },
)
