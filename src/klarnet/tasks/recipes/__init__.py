"""Recipes: a training as a TOML file."""

from __future__ import annotations

from .files import (
    UnknownRecipeError,
    as_tables,
    as_toml,
    built_in,
    built_in_text,
    changed,
    find_recipe,
    flat,
    parse,
    read_recipe,
    set_option,
    write_recipe,
)
from .parts import (
    augmentation_of,
    in_full,
    layer_kinds,
    loss_of,
    network_of,
    optimizer_of,
    schedule_of,
    source_of,
    splitting_of,
    unfreezing_of,
)
from .recipe import Recipe, Regularisation, Training, Transfer

__all__ = [
    "Recipe",
    "Regularisation",
    "Training",
    "Transfer",
    "UnknownRecipeError",
    "as_tables",
    "as_toml",
    "augmentation_of",
    "built_in",
    "built_in_text",
    "changed",
    "find_recipe",
    "flat",
    "in_full",
    "layer_kinds",
    "loss_of",
    "network_of",
    "optimizer_of",
    "parse",
    "read_recipe",
    "schedule_of",
    "set_option",
    "source_of",
    "splitting_of",
    "unfreezing_of",
    "write_recipe",
]
