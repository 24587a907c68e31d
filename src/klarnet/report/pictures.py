"""Pictures inside a page: PNG data, drawn by matplotlib where it is installed, by Pillow otherwise."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

# Colours that hold on a light and a dark page.
TRAIN, VALIDATION, GREY = "#3b7dd8", "#e07b39", "#808080"


def inline(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png(picture: Any) -> str:
    """A Pillow picture as a data address."""
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True)
    return inline(out.getvalue())


def example(X: np.ndarray, scale: int = 2) -> str:
    """One example (h, w, 1 or 3) as a picture, enlarged without blur; floating values between 0 and 1."""
    from PIL import Image

    values = X if X.dtype == np.uint8 else np.clip(np.asarray(X, np.float64) * 255.0, 0, 255).astype(np.uint8)
    values = values[..., 0] if values.shape[-1] == 1 else values[..., :3]
    picture = Image.fromarray(np.ascontiguousarray(values))
    return png(picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST))


def has_matplotlib() -> bool:
    """Is matplotlib there, and can it be loaded?"""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def curve(rows: Sequence[dict[str, Any]], name: str, best: int | None) -> str:
    """One learning curve, training and validation, as an SVG data address (matplotlib)."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(4.6, 3.1), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    epochs = [row["epoch"] for row in rows]
    for label, key, colour in (("training", name, TRAIN), ("validation", f"validation_{name}", VALIDATION)):
        values = [row.get(key, np.nan) for row in rows]
        if not np.isnan(values).all():
            axes.plot(epochs, values, color=colour, label=label, marker="o", markersize=3, linewidth=1.8)
    if best is not None:
        axes.axvline(best, color=GREY, linestyle=":", linewidth=1.2, label=f"kept: epoch {best}")
    axes.set_xlabel("epoch", color=GREY)
    axes.set_title(name, color=GREY, fontsize=11)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(colors=GREY)
    axes.grid(color=GREY, alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GREY)
    axes.legend(frameon=False, labelcolor=GREY, fontsize=9)
    out = io.BytesIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return inline(out.getvalue(), "svg+xml")
