"""Training: one step, many epochs, what may watch, and what is written down."""

from __future__ import annotations

from .callbacks import Callback, Checkpoint, EarlyStopping
from .checkpoint import load_checkpoint, save_checkpoint
from .diagnosis import NotFiniteError
from .gradient_check import check_gradients
from .history import History
from .profile import Profile, profile
from .progress import Progress
from .trainer import Trainer
from .transfer import Unfreeze
from .watch import Watch

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "NotFiniteError",
    "Profile",
    "Progress",
    "Trainer",
    "Unfreeze",
    "Watch",
    "check_gradients",
    "load_checkpoint",
    "profile",
    "save_checkpoint",
]
