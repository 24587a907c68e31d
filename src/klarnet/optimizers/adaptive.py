"""Optimizers that give each weight a rate of its own, from simple to general: Adagrad, RMSProp, Adam, AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klarnet.engine import functions as E

from .optimizer import Optimizer


class Adagrad(Optimizer):
    """s' = s + g²,  w' = w − η g / (√s' + ε). Duchi, Hazan and Singer 2011. Course: optimizers."""

    name = "adagrad"
    slots = ("s",)

    def __init__(
        self, learning_rate: float = 0.01, *, epsilon: float = 1e-10, weight_decay: float = 0.0
    ) -> None:
        self._common(learning_rate, weight_decay)
        self.epsilon = self._number("epsilon", epsilon, above=0.0)

    def update(
        self, W: Any, g: Any, state: Sequence[Any], *, decay: float, rate: float = 1.0, born: int = 0
    ) -> None:
        E.adagrad(W, g, state[0], epsilon=self.epsilon, rate=rate, decay=decay)


class RMSProp(Optimizer):
    """s' = ρ s + (1 − ρ) g²,  w' = w − η g / (√s' + ε). Hinton, lecture 6e, 2012. Course: optimizers."""

    name = "rmsprop"
    slots = ("s",)

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        rho: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self._common(learning_rate, weight_decay)
        self.rho = self._number("rho", rho, least=0.0, below=1.0)
        self.epsilon = self._number("epsilon", epsilon, above=0.0)

    def update(
        self, W: Any, g: Any, state: Sequence[Any], *, decay: float, rate: float = 1.0, born: int = 0
    ) -> None:
        E.rmsprop(W, g, state[0], rho=self.rho, epsilon=self.epsilon, rate=rate, decay=decay)


class Adam(Optimizer):
    """m' = β₁ m + (1 − β₁) g,  s' = β₂ s + (1 − β₂) g²,  w' = w − η m̂ / (√ŝ + ε).

    m̂ = m' / (1 − β₁ᵗ) and ŝ = s' / (1 − β₂ᵗ) make up for the start at 0 (t counts the steps from 1).
    Kingma and Ba 2015. Course: optimizers.
    """

    name = "adam"
    slots = ("m", "s")
    decoupled = 0

    def __init__(
        self,
        learning_rate: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self._common(learning_rate, weight_decay)
        self.beta1 = self._number("beta1", beta1, least=0.0, below=1.0)
        self.beta2 = self._number("beta2", beta2, least=0.0, below=1.0)
        self.epsilon = self._number("epsilon", epsilon, above=0.0)

    def update(
        self, W: Any, g: Any, state: Sequence[Any], *, decay: float, rate: float = 1.0, born: int = 0
    ) -> None:
        E.adam(
            W,
            g,
            state[0],
            state[1],
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon,
            decoupled=self.decoupled,
            born=born,
            rate=rate,
            decay=decay,
        )


class AdamW(Adam):
    """Adam with the weight decay kept apart from the gradient: w' also loses η λ w. Loshchilov and Hutter 2019."""

    name = "adamw"
    decoupled = 1

    def __init__(
        self,
        learning_rate: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay)
