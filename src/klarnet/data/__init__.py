"""Data: examples and their targets, where they come from, how they are split and cut into batches."""

from klarnet.data import augment, layout
from klarnet.data.convert import as_dataset
from klarnet.data.dataset import Dataset
from klarnet.data.embedded import digits
from klarnet.data.idx import read_idx, write_idx
from klarnet.data.lazy import LazyPictures
from klarnet.data.mnist import mnist
from klarnet.data.picture import read_mask, read_picture
from klarnet.data.pictures import pictures
from klarnet.data.prefetch import prefetch
from klarnet.data.scaling import Scaling
from klarnet.data.source import Source
from klarnet.data.stream import BatchStream

__all__ = [
    "BatchStream",
    "Dataset",
    "LazyPictures",
    "Scaling",
    "Source",
    "as_dataset",
    "augment",
    "digits",
    "layout",
    "mnist",
    "pictures",
    "prefetch",
    "read_idx",
    "read_mask",
    "read_picture",
    "write_idx",
]
