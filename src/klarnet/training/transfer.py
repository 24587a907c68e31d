"""Transfer learning while it trains: frozen layers join one group after the other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .callbacks import Callback

if TYPE_CHECKING:
    from .fit import Fit


class Unfreeze(Callback):
    """Lets frozen weights train again from an epoch on: the layers behind first, the general ones in front last.

        net.freeze()
        net.unfreeze("dense_3")                                                # the new head learns alone
        net.fit(train, epochs=10, callbacks=[kn.Unfreeze({3: "conv2d_2", 6: "*"})])

    groups   epoch (from 1) → pattern or list of patterns, as `net.unfreeze` takes them

    What joins begins anew in the optimizer: zero moments, its next step counted as its first. Raises ValueError for an
    epoch or a pattern that is none, before the first step. Howard and Ruder 2018 (gradual unfreezing).
    """

    def __init__(self, groups: Mapping[int, str | Sequence[str]]) -> None:
        if not isinstance(groups, Mapping) or not groups:
            raise TypeError(f"Unfreeze: {groups!r}, expected a dict of patterns by epoch, {{3: 'conv2d_2'}}")
        for epoch in groups:
            if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 1:
                raise ValueError(f"Unfreeze: epoch {epoch!r}, expected a whole number above 0")
        self.groups: dict[int, list[str]] = {}
        for epoch, given in sorted(groups.items()):
            if not isinstance(given, (str, list, tuple)):
                raise TypeError(f"Unfreeze: epoch {epoch}: {given!r}, expected a pattern or a list of them")
            self.groups[epoch] = [given] if isinstance(given, str) else list(given)
        self._done: set[int] = set()

    def on_fit_start(self, fit: Fit) -> None:
        self._done = set()
        for patterns in self.groups.values():
            for pattern in patterns:
                fit.net.weights.match(pattern, "Unfreeze")
        if not fit.net.weights.frozen and fit.epoch == 0:
            warnings.warn(
                "Unfreeze: nothing is frozen, so all layers train from the first epoch on; call net.freeze(…) before",
                UserWarning,
                stacklevel=2,
            )

    def on_epoch_start(self, fit: Fit) -> None:
        for epoch, patterns in self.groups.items():
            if epoch <= fit.epoch and epoch not in self._done:  # also what a resumed training has behind it
                fit.net.unfreeze(*patterns)
                self._done.add(epoch)
