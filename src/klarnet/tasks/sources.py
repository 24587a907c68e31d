"""Where the examples of a recipe come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klarnet import data
from klarnet.data import Dataset


@dataclass(frozen=True)
class Source:
    """What a source has, read when it is called.

    train, validation, test   the parts; what is missing is cut off from the training part
    shape, outputs            of the network's input and output, where they are known without reading
    needs                     what is wanted as data.path, where there is none
    """

    train: Callable[[], Dataset]
    validation: Callable[[], Dataset] | None = None
    test: Callable[[], Dataset] | None = None
    shape: tuple[int, ...] | None = None
    outputs: int | None = None
    needs: str | None = None


def digits() -> Source:
    """The 6,000 handwritten digits that come with klarnet."""
    return Source(data.digits, shape=(28, 28, 1), outputs=10)


def mnist(path: str | None = None) -> Source:
    """MNIST's four IDX files in a folder."""
    return Source(
        lambda: data.mnist(str(path), part="train"),
        test=lambda: data.mnist(str(path), part="test"),
        shape=(28, 28, 1),
        outputs=10,
        needs=None if path else "the folder with MNIST's four IDX files",
    )


SOURCES: dict[str, Callable[..., Source]] = {"digits": digits, "mnist": mnist}
