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
    metrics         figures beside the loss, by name: ["accuracy", "f1"]; accuracy for classes if not given
    best_weights    put back the weights of the best epoch at the end
    watch           look at every so many steps at what layers give out and how weights move; not given: never
    checkpoint      when the run is saved: "epoch", "200 iterations", "10 minutes"
    keep            how many of these checkpoints are kept
    workers         threads that prepare augmented batches; results do not depend on it
    """

    epochs: Count = 10
    batch_size: Count = 32
    patience: Count | None = None
    monitor: str = "validation_loss"
    metrics: list[str] | None = None
    best_weights: bool = True
    checkpoint: str | Count = "epoch"
    keep: Count = 1
    watch: Count | None = None
    workers: Annotated[int, msgspec.Meta(ge=0)] = 1


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
    """[regularisation]. Weight decay stands with the optimizer, dropout with the network.

    clip_norm         c: the gradients are scaled by min(1, c / norm of them all)
    clip_value        c: each gradient is brought into [-c, c], before clip_norm
    max_norm          c: behind each update the weights into a unit are scaled by min(1, c / their norm)
    weight_noise      standard deviation of noise on the weights while a step is computed
    label_noise       probability that a label of the training part is another one, drawn anew in each epoch
    label_smoothing   of the cross entropy: so much of a target is spread over all classes
    """

    clip_norm: Above0 | None = None
    clip_value: Above0 | None = None
    max_norm: Above0 | None = None
    weight_noise: Above0 | None = None
    label_noise: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    label_smoothing: Share | None = None


class Transfer(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """[transfer]: start from the weights of another network.

    weights   its run folder or .klarnet file
    match     "name", "shape", or patterns of the layers to take: ["conv2d_*", "batch_norm_*"]
    freeze    patterns of layers or weights that are not trained
    unfreeze  patterns that join later, by epoch: {3 = "conv2d_2", 6 = "*"}
    rates     factors of the learning rate by pattern: {"conv2d_*" = 0.1}
    """

    weights: str | None = None
    match: str | list[str] = "name"
    freeze: list[str] = msgspec.field(default_factory=list)
    unfreeze: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    rates: dict[str, From0] = msgspec.field(default_factory=dict)


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
    transfer: Transfer = msgspec.field(default_factory=Transfer)
    augmentation: list[Table] = msgspec.field(default_factory=list)
    search: Table | None = None

    @property
    def origin(self) -> Origin:
        """Where its settings came from, for error messages."""
        return self.__dict__.get("origin") or Origin(self.name or "recipe")

    @origin.setter
    def origin(self, origin: Origin) -> None:
        self.__dict__["origin"] = origin
