"""The decoders of CTC on one line, as one JSON line: milliseconds, the median and the least of many.

python benchmarks/decoders.py --seconds 1

200 steps of 80 classes, in three kinds: `decided`, where one class has nearly all of each step, as behind a trained
network; `unsure`, logits of deviation 3; `flat`, of deviation 1, where a beam has most to choose from. Prefix beam
search of width 32 alone, with a language model of 5-grams and with a lexicon of 5,000 words, both of a made-up
language; best path, alignment to 60 labels and lattice. --engine formulas for the pages.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import klarnet as kn
from klarnet.engine import native

STEPS, CLASSES, WIDTH = 200, 80, 32
ALPHABET = "".join(chr(33 + i) for i in range(CLASSES - 2)) + " "


def language(rng: np.random.Generator) -> tuple[kn.lm.LanguageModel, kn.ctc.Lexicon]:
    """Words whose letters follow one another by chance, few of them often, and 20,000 lines made of these."""
    likely = rng.dirichlet(np.full(CLASSES - 2, 0.1), CLASSES - 2).cumsum(axis=1)
    words = set()
    while len(words) < 5000:
        letters = [int(rng.integers(CLASSES - 2))]
        while rng.random() < 0.83:
            letters.append(min(int(np.searchsorted(likely[letters[-1]], rng.random())), CLASSES - 3))
        words.add("".join(ALPHABET[i] for i in letters))
    ordered = sorted(words)
    places = np.minimum(rng.zipf(1.3, (20_000, 6)), len(ordered)) - 1
    lines = [" ".join(ordered[i] for i in row) for row in places]
    return kn.lm.train(lines, order=5), kn.ctc.Lexicon(ordered, ALPHABET)


def lines(rng: np.random.Generator) -> dict[str, np.ndarray]:
    decided = rng.standard_normal((STEPS, CLASSES))
    best = np.where(rng.random(STEPS) < 0.6, 0, rng.integers(1, CLASSES, STEPS))
    decided[np.arange(STEPS), best] += 9
    unsure, flat = rng.normal(0, 3, (STEPS, CLASSES)), rng.normal(0, 1, (STEPS, CLASSES))
    return {
        name: X.astype(np.float32) for name, X in (("decided", decided), ("unsure", unsure), ("flat", flat))
    }


def milliseconds(call: Callable[[], Any], seconds: float) -> dict[str, float]:
    call()
    found, end = [], time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        found.append((time.perf_counter() - start) * 1e3)
    return {"ms": round(statistics.median(found), 4), "min": round(min(found), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--engine", choices=["native", "formulas"], default="native")
    a = parser.parse_args()
    rng = np.random.default_rng(0)
    model, lexicon = language(rng)
    found: dict[str, dict[str, dict[str, float]]] = {}
    with kn.engine.use(a.engine):
        for kind, X in lines(rng).items():
            labels = rng.integers(1, CLASSES, 3 * STEPS // 10).tolist()
            options: dict[str, dict[str, Any]] = {
                "beam": {},
                "beam, 5-grams": {"language_model": model, "alphabet": ALPHABET, "weight": 0.5, "bonus": 1.0},
                "beam, lexicon": {"lexicon": lexicon},
            }
            calls: dict[str, Callable[[], Any]] = {
                name: lambda X=X, given=given: kn.ctc.beam_search(X, width=WIDTH, **given)  # type: ignore[misc]
                for name, given in options.items()
            }
            calls["best path"] = lambda X=X: kn.ctc.best_path(X)  # type: ignore[misc]
            calls["alignment"] = lambda X=X, labels=labels: kn.ctc.align(X, labels)  # type: ignore[misc]
            calls["lattice"] = lambda X=X, labels=labels: kn.ctc.lattice(X, labels)  # type: ignore[misc]
            found[kind] = {name: milliseconds(call, a.seconds) for name, call in calls.items()}
    line = {"engine": a.engine, "decoders": found, "model": len(model.automaton.arcs), "words": 5000}
    if a.engine == "native":
        line["instruction_set"] = native.library().kn_isa().decode()
    print(json.dumps(line))


if __name__ == "__main__":
    main()
