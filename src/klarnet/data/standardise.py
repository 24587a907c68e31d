"""Standardisation of data sets, fitted on the training part alone."""

from __future__ import annotations

from dataclasses import replace

from klarnet.data.dataset import Dataset
from klarnet.data.scaling import standard_scaling


def standardise(train: Dataset, *others: Dataset) -> tuple[Dataset, ...]:
    """The same data sets with the scaling that gives every column of the training part mean 0 and deviation 1.

        train, validation, test = kn.data.standardise(*data.split(0.6, 0.2, 0.2, seed=1))

    A column is an index of the last axis: of (n, m) a feature, of pictures (n, h, w, d) a channel. X stays as it is;
    the network scales, in training as in prediction. Warns of columns that never change. Raises TypeError for what is
    no `Dataset`, ValueError for data sets with another number of columns.
    """
    for data in (train, *others):
        if not isinstance(data, Dataset):
            raise TypeError(
                f"standardise: expected data sets, got {type(data).__name__}; split a Table instead"
            )
        if data.X.ndim < 2 or data.X.shape[-1] != train.X.shape[-1]:
            raise ValueError(
                f"{data.name}: X {data.X.shape}, expected columns as in the training part {train.X.shape}"
            )
    columns = train.encoding.features if train.encoding else [f"column {i}" for i in range(train.X.shape[-1])]
    scaling = standard_scaling(train.X, columns, train.name)
    return tuple(replace(data, scaling=scaling) for data in (train, *others))
