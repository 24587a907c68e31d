"""The examples of a recipe, cut into training, validation and test part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from klarnet.data import Corpus, LazyPictures, Texts
from klarnet.data.table import Table

from .recipes import Recipe, source_of, splitting_of
from .sources import Supply


@dataclass(frozen=True)
class Parts:
    """Training, validation and test data, which never share an example. A set that is larger than memory is a source
    of batches; the test part lies in memory: a `Dataset`, texts, or one long text."""

    train: Any
    validation: Any
    test: Any


class Examples:
    """The data of a recipe, read when they are first asked for; the test part on its own, so that whoever only trains
    and chooses never sees it."""

    def __init__(self, recipe: Recipe) -> None:
        self.source, self.how, self.seed = source_of(recipe), splitting_of(recipe), recipe.seed
        self._origin = recipe.origin

    @property
    def train(self) -> Any:
        return self._cut[0]

    @property
    def validation(self) -> Any:
        return self._cut[1]

    @cached_property
    def test(self) -> Any:
        read = self._supply.test
        found = self._cut[2] if read is None else read(lambda: self.train)
        return found.load() if isinstance(found, LazyPictures) else found

    def about(self) -> str:
        """How many examples each part has; a test part of its own is not looked at."""
        counts = dict(zip(("training", "validation", "test"), map(len, self._cut), strict=False))
        text = ", ".join(f"{count:,} {name}" for name, count in counts.items()) + " examples"
        return text if "test" in counts else text + "; a test part of its own"

    def whole(self) -> tuple[Any, bool]:
        """All examples before they are cut, and whether to spread each class evenly. Raises ValueError for a source
        that has a test part of its own."""
        supply = self._supply
        if supply.test is not None or supply.validation is not None:
            raise self._origin.error(
                ("data",), "[data]: this source has parts of its own, expected all in one"
            )
        whole = supply.train()
        return whole, self._stratified(whole)

    def _stratified(self, whole: Any) -> bool:
        return whole.labels() is not None if self.how.stratified is None else self.how.stratified

    @cached_property
    def _supply(self) -> Supply:
        if self.source.needs is not None:
            text = f"data.path is missing, expected {self.source.needs}: --data PATH"
            raise self._origin.error(("data",), text)
        return self.source.open()

    @cached_property
    def _cut(self) -> tuple[Any, ...]:
        """Training and validation part, and the test part where it is cut off here."""
        supply = self._supply
        shares = self._shares(supply)
        whole = supply.train()
        if shares:
            stratified = self._stratified(whole)
            cut = list(whole.split(1 - sum(shares), *shares, seed=self.seed, stratified=stratified))
        else:
            cut = [whole.encode() if isinstance(whole, (Table, Texts, Corpus)) else whole]
        if supply.validation is not None:
            cut.insert(1, supply.validation(lambda: cut[0]))
        return tuple(cut)

    def _shares(self, supply: Supply) -> list[float]:
        """What is cut off: the shares of validation and test part, as far as the source has none."""
        if supply.test is not None and self.how.test is not None:
            text = f"data.test {self.how.test}: this source has a test part of its own, leave it out"
            raise self._origin.error(("data", "test"), text)
        test = 0.2 if self.how.test is None else self.how.test
        shares = [] if supply.validation else [self.how.validation]
        shares += [] if supply.test else [test]
        if sum(shares) >= 1:
            text = f"[data]: validation and test, {sum(shares):g} together, leave nothing to train on"
            raise self._origin.error(("data",), text)
        return shares
