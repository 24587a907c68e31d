"""A lexicon: which words a line may be made of, as a tree of their letters.

    node 0 is between words. Each of its branches begins a word; a word is a way from it, letter by letter, to a node
    where it is whole. There, and at node 0, a separator may come, which leads back to node 0.

So a labelling is of the lexicon where a way from node 0 along its labels exists, and it may end where a word is whole,
or at node 0. As arrays, in the form of the language model's automaton:

    nodes      (r, 3) int32: the first branch, the branch behind the last one, 1 where the line may end, else 0
    branches   (b, 2) int32: a class, ascending in each node, and the node that it leads to

NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def word_tree(words: Iterable[Sequence[int]], separators: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """nodes and branches of words, each the classes of its letters; separators are classes that no word has."""
    tree: list[dict[int, int]] = [{}]
    whole = {0}
    for word in words:
        node = 0
        for letter in word:
            if letter not in tree[node]:
                tree[node][letter] = len(tree)
                tree.append({})
            node = tree[node][letter]
        whole.add(node)
    for node in whole:
        tree[node].update(dict.fromkeys(separators, 0))
    branches = [pair for ways in tree for pair in sorted(ways.items())]
    ends = np.cumsum([len(ways) for ways in tree])
    starts = ends - [len(ways) for ways in tree]
    nodes = np.stack([starts, ends, [node in whole for node in range(len(tree))]], axis=1)
    return nodes.astype(np.int32), np.array(branches, np.int32).reshape(-1, 2)


def ways(nodes: np.ndarray, branches: np.ndarray, node: int, classes: int) -> np.ndarray:
    """The node that each class leads to, −1 where it leads nowhere. → (k,)."""
    to = np.full(classes, -1, np.int64)
    first, behind, _ = nodes[node]
    to[branches[first:behind, 0]] = branches[first:behind, 1]
    return to
