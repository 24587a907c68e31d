"""CTC to look at and to read with: lattice, labellings and decoders, for one line at a time.

    Y = ...                                             # (t, k) probabilities, or logits X
    found = kn.ctc.lattice(np.log(Y), labels)           # .alpha, .beta, .occupancy (t, 2s + 1), .probability
    kn.ctc.best_path(X).labels                          # greedy, with spans and confidences
    kn.ctc.beam_search(X, width=32)[0].labels           # the most probable labelling met
    kn.ctc.align(X, labels).spans                       # where known labels stand
    list(kn.ctc.paths(labels, steps=5, classes=3))      # B⁻¹, every path that gives them
    kn.ctc.collapse(path)                               # B

Every X is a line's logits (t, k); logarithms of probabilities are logits too. The loss over a batch and its gradient
are the page `kn.formulas.ctc`.
"""

from __future__ import annotations

from klarnet.formulas.ctc_decoding import Alignment, Hypothesis, align, beam_search, best_path
from klarnet.formulas.ctc_lattice import Lattice, lattice
from klarnet.formulas.labelling import collapse, needed_steps, paths, with_blanks

__all__ = [
    "Alignment",
    "Hypothesis",
    "Lattice",
    "align",
    "beam_search",
    "best_path",
    "collapse",
    "lattice",
    "needed_steps",
    "paths",
    "with_blanks",
]
