"""Recipes: a training as a TOML file."""

from __future__ import annotations

from .files import (
    UnknownRecipeError,
    as_toml,
    built_in,
    built_in_text,
    find_recipe,
    flat,
    parse,
    read_recipe,
    set_option,
    write_recipe,
)
from .parts import in_full, layer_kinds, loss_of, network_of, optimizer_of, source_of, splitting_of
from .recipe import Recipe, Regularisation, Training

__all__ = [
    "Recipe",
    "Regularisation",
    "Training",
    "UnknownRecipeError",
    "as_toml",
    "built_in",
    "built_in_text",
    "find_recipe",
    "flat",
    "in_full",
    "layer_kinds",
    "loss_of",
    "network_of",
    "optimizer_of",
    "parse",
    "read_recipe",
    "set_option",
    "source_of",
    "splitting_of",
    "write_recipe",
]
