"""The examples of a recipe, cut into training, validation and test part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from klarnet.data import Dataset

from .recipes import Recipe, source_of, splitting_of


@dataclass(frozen=True)
class Parts:
    """Training, validation and test data, which never share an example."""

    train: Dataset
    validation: Dataset
    test: Dataset


class Examples:
    """The data of a recipe, read when they are first asked for; the test part on its own, so that whoever only trains
    and chooses never sees it."""

    def __init__(self, recipe: Recipe) -> None:
        self.source, self.how, self.seed = source_of(recipe), splitting_of(recipe), recipe.seed
        self._origin = recipe.origin
        if self.source.test is not None and self.how.test is not None:
            text = f"data.test {self.how.test}: this source has a test part of its own, leave it out"
            raise self._origin.error(("data", "test"), text)
        self.test_share = 0.0 if self.source.test else 0.2 if self.how.test is None else self.how.test
        self.validation_share = 0.0 if self.source.validation else self.how.validation
        if self.test_share + self.validation_share >= 1:
            text = (
                f"validation {self.validation_share:g} and test {self.test_share:g} leave nothing to train on"
            )
            raise self._origin.error(("data",), f"[data]: {text}")

    @property
    def train(self) -> Dataset:
        return self._cut[0]

    @property
    def validation(self) -> Dataset:
        return self._cut[1]

    @property
    def test(self) -> Dataset:
        return self._cut[2] if self.source.test is None else self._own_test

    @cached_property
    def _own_test(self) -> Dataset:
        assert self.source.test is not None
        self._refuse_no_path()
        return self.source.test()

    @cached_property
    def _cut(self) -> tuple[Dataset, ...]:
        """Training, validation, and, where it is cut off here, test part."""
        self._refuse_no_path()
        whole = self.source.train()
        shares = [s for s in (self.validation_share, self.test_share) if s]
        stratified = whole.labels() is not None if self.how.stratified is None else self.how.stratified
        cut = [whole]
        if shares:
            cut = list(whole.split(1 - sum(shares), *shares, seed=self.seed, stratified=stratified))
        if self.source.validation is not None:
            cut.insert(1, self.source.validation())
        return tuple(cut)

    def _refuse_no_path(self) -> None:
        if self.source.needs is not None:
            text = f"data.path is missing, expected {self.source.needs}: --data PATH"
            raise self._origin.error(("data",), text)
