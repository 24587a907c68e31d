"""Data: examples and their targets, where they come from, how they are split and cut into batches."""

from klarnet.data import layout
from klarnet.data.convert import as_dataset
from klarnet.data.dataset import Dataset
from klarnet.data.embedded import digits
from klarnet.data.idx import read_idx, write_idx
from klarnet.data.mnist import mnist
from klarnet.data.scaling import Scaling
from klarnet.data.stream import BatchStream

__all__ = [
    "BatchStream",
    "Dataset",
    "Scaling",
    "as_dataset",
    "digits",
    "layout",
    "mnist",
    "read_idx",
    "write_idx",
]
