"""Training: one step, many epochs, what may watch, and what is written down."""

from __future__ import annotations

from .callbacks import Callback, EarlyStopping
from .checkpoint import load_checkpoint, read_checkpoint, save_checkpoint
from .checkpointing import Checkpoint
from .diagnosis import NotFiniteError
from .gradient_check import check_gradients
from .history import History
from .lr_find import RateCurve, lr_find
from .profile import Profile, profile
from .progress import Progress
from .tensorboard import TensorBoard
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
    "RateCurve",
    "TensorBoard",
    "Trainer",
    "Unfreeze",
    "Watch",
    "check_gradients",
    "load_checkpoint",
    "lr_find",
    "profile",
    "read_checkpoint",
    "save_checkpoint",
]
