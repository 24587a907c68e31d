"""What a recipe holds: everything that decides a training, as plain values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from .origin import Origin

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, lt=1)]
OpenShare = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Above0 = Annotated[float, msgspec.Meta(gt=0)]
From0 = Annotated[float, msgspec.Meta(ge=0)]
Table = dict[str, Any]


class Training(msgspec.Struct, forbid_unknown_fields=True):
    """[training]

    epochs          at most so many passes over the training data
    batch_size      examples in one iteration; the last batch of an epoch holds what is left
    patience        end after so many epochs without improvement; not given: train all epochs
    monitor         what improves: validation_loss, or a metric such as validation_accuracy
    best_weights    put back the weights of the best epoch at the end
    """

    epochs: Count = 10
    batch_size: Count = 32
    patience: Count | None = None
    monitor: str = "validation_loss"
    best_weights: bool = True


class Splitting(msgspec.Struct, forbid_unknown_fields=True):
    """Of [data], beside its source and that source's own settings.

    validation   share that is kept for validation, where the source has no part for it
    test         share that is kept for the test, where the source has no part for it: 0.2 if nothing is said
    stratified   every part gets the classes in the proportion of the whole; by default where there are classes
    """

    validation: OpenShare = 0.1
    test: OpenShare | None = None
    stratified: bool | None = None


class Regularisation(msgspec.Struct, forbid_unknown_fields=True):
    """[regularisation]; weight decay stands with the optimizer, dropout with the network, smoothing with the loss."""


class Recipe(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, dict=True):
    """A recipe: `data`, `network`, `loss`, `optimizer`, `schedule` and each `augmentation` are tables whose source,
    builder or kind says what else may stand in them."""

    data: Table
    network: Table
    name: str | None = None
    about: str = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    engine: Literal["native", "formulas"] | None = None
    loss: Table | None = None
    optimizer: Table = msgspec.field(default_factory=lambda: {"kind": "adam"})
    schedule: Table | None = None
    training: Training = msgspec.field(default_factory=Training)
    regularisation: Regularisation = msgspec.field(default_factory=Regularisation)
    augmentation: list[Table] = msgspec.field(default_factory=list)
    search: Table | None = None

    @property
    def origin(self) -> Origin:
        """Where its settings came from, for error messages."""
        return self.__dict__.get("origin") or Origin(self.name or "recipe")

    @origin.setter
    def origin(self, origin: Origin) -> None:
        self.__dict__["origin"] = origin
