"""The weights of the first layer as pictures: what a network of pictures looks for."""

from __future__ import annotations

from html import escape

import numpy as np

from klarnet.layers import Conv2D, Dense
from klarnet.model import Network

from . import pictures
from .elements import Html, section

MOST = 64


def first_layer(net: Network) -> Html:
    """The section, empty where the first layer with weights does not look at grey or colour pictures."""
    found = first_filters(net)
    if found is None:
        return Html("")
    name, tiles = found
    shown = tiles[:MOST] / np.maximum(abs(tiles[:MOST]).max(axis=(1, 2, 3), keepdims=True), 1e-30)
    few = f"the first {MOST} of {len(tiles)}" if len(tiles) > MOST else f"all {len(tiles)}"
    alt = f"Weights of {name} as pictures: {few}"
    h, w = tiles.shape[1:3]
    image = f'<img alt="{escape(alt)}" src="{pictures.sheet(shown)}">'
    note = (
        f"Weights of {name}, {few}, {h} × {w} each. Grey is 0, white the largest weight, black its opposite; each has"
        " a scale of its own."
    )
    return section("First layer", Html(image), note=note)


def first_filters(net: Network) -> tuple[str, np.ndarray] | None:
    """Name of the first layer with weights, and its weights by output (n, h, w, 1 or 3); None where that is no
    picture."""
    v = next((v for v in net.graph.vertices if net.graph.weights.get(v.key)), None)
    if v is None or len(net.inputs) != 1:
        return None
    shape = net.inputs[0].shape
    if isinstance(v.layer, Conv2D):
        F = net.weights[f"{v.key}/F"]  # (fh, fw, fd, fn)
        return (v.name, np.moveaxis(F, 3, 0)) if F.shape[2] in (1, 3) and min(F.shape[:2]) > 1 else None
    if isinstance(v.layer, Dense) and pictures.is_picture(shape) and None not in shape:
        W = net.weights[f"{v.key}/W"]  # (h w d, k)
        size = tuple(int(s) for s in shape if s is not None)
        return (v.name, W.T.reshape(-1, *size)) if len(W) == np.prod(size) else None
    return None
