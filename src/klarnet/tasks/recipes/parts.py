"""The parts of a recipe as objects: network, loss, optimizer. What they refuse is refused with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import klarnet.layers as all_layers
from klarnet.data.augment import AUGMENTATIONS, Augmentation
from klarnet.layers import LAYERS, Add, Concat, Input, Layer, Node
from klarnet.losses import Loss
from klarnet.losses.loss import LOSSES
from klarnet.metrics import resolve as metric
from klarnet.model import Network
from klarnet.names import snake
from klarnet.optimizers import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from klarnet.tasks.builders import BUILDERS as PICTURE_BUILDERS
from klarnet.tasks.sources import SOURCES, Source, corpus
from klarnet.tasks.text_builders import TEXT_BUILDERS
from klarnet.training import Checkpoint, Unfreeze

from .recipe import Recipe, Splitting
from .tables import at, checked, fields_of, kind_of, made, settings_of, with_defaults

BUILDERS = {**PICTURE_BUILDERS, **TEXT_BUILDERS}
BUILT_FROM_DATA = (
    "input_shape",
    "symbols",
    "outputs",
    "classify",
    "seed",
)  # what a builder gets from elsewhere
COMMON = tuple(Splitting.__struct_fields__)  # of [data], whatever the source


def layer_kinds() -> dict[str, type[Layer]]:
    """The layers that may stand in a list, by the word a recipe calls them: conv2d, max_pool2d, lstm, ..."""
    public = [getattr(all_layers, name) for name in all_layers.__all__]
    kinds = [c for c in public if isinstance(c, type) and c in LAYERS.values() and c not in (Add, Concat)]
    return {snake(c.__name__): c for c in kinds}


def source_of(recipe: Recipe) -> Source:
    """Where the examples come from; nothing is read yet."""
    origin, table, path = recipe.origin, recipe.data, ("data",)
    of = kind_of(table, path, SOURCES, origin, "source")
    settings = checked(_own(table), path, fields_of(of) | fields_of(Splitting), origin)
    return at(path, origin, lambda: of(**{k: v for k, v in settings.items() if k not in COMMON}))


def splitting_of(recipe: Recipe) -> Splitting:
    """How the examples are cut into parts."""
    common = {k: v for k, v in recipe.data.items() if k in COMMON}
    return Splitting(**checked(common, ("data",), fields_of(Splitting), recipe.origin))


def _own(table: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in table.items() if k != "source"}


def layers_of(recipe: Recipe) -> list[Layer] | None:
    """The layers of `[network] layers = [...]`; None where a builder makes the network."""
    origin, table = recipe.origin, recipe.network
    path = ("network",)
    if ("layers" in table) == ("builder" in table):
        text = "both builder and layers" if "layers" in table else "neither builder nor layers"
        raise origin.error(path, f"[network] has {text}, expected one of them")
    if "builder" in table:
        of = kind_of(table, path, BUILDERS, origin, "builder")
        settings_of(table, path, of, origin, key="builder", hidden=BUILT_FROM_DATA)
        return None
    rest = [key for key in table if key != "layers"]
    if rest:
        raise origin.error((*path, rest[0]), f"[network]: setting {rest[0]!r} cannot stand beside layers")
    listed = table["layers"]
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        text = 'expected a list of tables, such as [{kind = "dense", units = 10}]'
        raise origin.error((*path, "layers"), f"network.layers: {text}")
    known = layer_kinds()
    return [made(one, (*path, "layers", i), known, origin) for i, one in enumerate(listed)]


def network_of(
    recipe: Recipe, shape: tuple[int, ...], outputs: int, *, classify: bool = True, symbols: int | None = None
) -> Network:
    """The network, with its first weights, for examples of this shape, or for texts of so many different symbols."""
    origin, layers = recipe.origin, layers_of(recipe)
    if symbols is not None:
        return _text_network(recipe, layers, symbols, outputs)
    if layers is not None:
        return at(("network",), origin, lambda: Network(layers, input_shape=shape, seed=recipe.seed))
    of = _builder_for(recipe, PICTURE_BUILDERS, "texts")
    settings = settings_of(recipe.network, ("network",), of, origin, key="builder", hidden=BUILT_FROM_DATA)
    return at(
        ("network",),
        origin,
        lambda: of(shape, outputs, classify=classify, seed=recipe.seed, **settings),
    )


def _text_network(recipe: Recipe, layers: list[Layer] | None, symbols: int, outputs: int) -> Network:
    """A network for texts: of a list of layers, the first of them an embedding, or by a builder."""
    origin = recipe.origin
    if layers is None:
        of = _builder_for(recipe, TEXT_BUILDERS, "numbers or pictures")
        settings = settings_of(
            recipe.network, ("network",), of, origin, key="builder", hidden=BUILT_FROM_DATA
        )
        return at(("network",), origin, lambda: of(symbols, outputs, seed=recipe.seed, **settings))
    x = Input((None,), lengths=SOURCES[recipe.data["source"]] is not corpus, dtype="int")
    y: Node = x
    for i, layer in enumerate(layers):
        y = at(("network", "layers", i), origin, partial(layer, y))
    return at(("network",), origin, lambda: Network(inputs=x, outputs=y, seed=recipe.seed))


def _builder_for(recipe: Recipe, known: Mapping[str, Any], takes: str) -> Any:
    """The builder that a recipe names, one of those that fit the data."""
    name = recipe.network["builder"]
    if name not in known:
        text = f"network.builder {name!r} makes networks for {takes}, the data are others; expected one of "
        raise recipe.origin.error(("network", "builder"), text + ", ".join(known))
    return known[name]


def loss_of(recipe: Recipe) -> Loss | None:
    """The loss; None: the one that fits the network's last layer."""
    smoothing, table = recipe.regularisation.label_smoothing, recipe.loss
    if smoothing is None:
        return None if table is None else made(table, ("loss",), LOSSES, recipe.origin)
    path = ("regularisation", "label_smoothing")
    table = table or {"kind": "cross_entropy"}
    if "label_smoothing" in table:
        raise recipe.origin.error(
            path, "regularisation.label_smoothing is said in [loss] too, leave one of them out"
        )
    of = kind_of(table, ("loss",), LOSSES, recipe.origin)
    if "label_smoothing" not in fields_of(of):
        text = f"regularisation.label_smoothing: the loss {table['kind']} has none, cross_entropy has"
        raise recipe.origin.error(path, text)
    return made({**table, "label_smoothing": smoothing}, ("loss",), LOSSES, recipe.origin)


def optimizer_of(recipe: Recipe) -> Optimizer:
    return made(recipe.optimizer, ("optimizer",), OPTIMIZERS, recipe.origin)


def schedule_of(recipe: Recipe) -> Schedule | None:
    """The schedule of the learning rate, if there is one."""
    return None if recipe.schedule is None else made(recipe.schedule, ("schedule",), SCHEDULES, recipe.origin)


def unfreezing_of(recipe: Recipe) -> Unfreeze | None:
    """What lets frozen layers train again, epoch by epoch, if anything does."""
    path, groups = ("transfer", "unfreeze"), recipe.transfer.unfreeze
    for epoch in groups:
        if not epoch.isdecimal() or int(epoch) < 1:
            raise recipe.origin.error(
                (*path, epoch), f"transfer.unfreeze: {epoch!r}, expected an epoch from 1 on"
            )
    if not groups:
        return None
    return at(path, recipe.origin, lambda: Unfreeze({int(epoch): groups[epoch] for epoch in groups}))


def augmentation_of(recipe: Recipe) -> list[Augmentation]:
    """The steps of the augmentation, in order."""
    given = enumerate(recipe.augmentation)
    return [made(table, ("augmentation", i), AUGMENTATIONS, recipe.origin) for i, table in given]


def check(recipe: Recipe) -> None:
    """Refuse, before any data is read, what no training could be made of."""
    source_of(recipe)
    layers_of(recipe)
    loss_of(recipe)
    optimizer_of(recipe)
    schedule_of(recipe)
    augmentation_of(recipe)
    unfreezing_of(recipe)
    at(("training", "checkpoint"), recipe.origin, partial(Checkpoint, "", every=recipe.training.checkpoint))
    for i, name in enumerate(recipe.training.metrics or ()):
        at(("training", "metrics", i), recipe.origin, partial(metric, name))


def in_full(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with every default said, so that it means the same in a later version of klarnet."""
    import msgspec

    full = msgspec.structs.replace(recipe, search=None, **changes)
    full.origin = recipe.origin
    kinds: dict[str, dict[str, Any]] = {"loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}
    for name, known in kinds.items():
        table = getattr(full, name)
        if table is not None:
            setattr(full, name, with_defaults(table, known[table["kind"]]))
    full.augmentation = [with_defaults(table, AUGMENTATIONS[table["kind"]]) for table in full.augmentation]
    if "builder" in full.network:
        of = BUILDERS[full.network["builder"]]
        full.network = with_defaults(full.network, of, key="builder", hidden=BUILT_FROM_DATA)
    own = with_defaults(full.data, SOURCES[full.data["source"]], key="source")
    full.data = own | {k: v for k, v in full.data.items() if k in COMMON}
    return full
