"""Networks for texts: what they are made of, that they learn, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Texts
from klarnet.tasks.text_builders import TEXT_BUILDERS


def kinds(net: kn.Network) -> list[str]:
    return [type(v.layer).__name__ for v in net.graph.vertices if v.layer is not None]


def test_recurrent_layers_over_one_another() -> None:
    net = kn.recurrent(10, 3, layer="lstm", units=5, embedding=4, depth=2, dropout=0.2)
    assert kinds(net) == ["Embedding", "Dropout", "LSTM", "LSTM", "Dropout", "Dense", "Softmax"]
    assert net.weights["embedding_1/W"].shape == (10, 4) and net.weights["dense_1/W"].shape == (5, 3)
    net = kn.recurrent(10, 3, layer="rnn", units=5, bidirectional=True)
    assert kinds(net) == ["Embedding", "Bidirectional", "Dense", "Softmax"]
    assert net.weights["dense_1/W"].shape == (10, 3)


def test_filters_of_several_widths_see_whole_word_vectors() -> None:
    net = kn.sentence_cnn(20, 2, embedding=6, widths=(2, 3), filters=4)
    assert kinds(net).count("Conv1D") == kinds(net).count("GlobalMaxPool") == 2
    assert [net.weights[w].shape for w in net.weights if w.endswith("/F")] == [(2, 6, 4), (3, 6, 4)]
    assert net.weights["dense_1/W"].shape == (8, 2)
    assert "Concat" not in kinds(kn.sentence_cnn(20, 2, widths=(3,)))


def test_the_max_over_time_sees_no_padding() -> None:
    """A sentence gets the same answer alone and filled up, with whatever symbol."""
    net = kn.sentence_cnn(20, 2, embedding=6, widths=(2, 3, 7), filters=4, seed=3)
    X = np.random.default_rng(1).integers(0, 20, (3, 9)).astype(np.int32)
    lengths = np.array([9, 4, 1], np.int32)
    together = net.predict(X, lengths=lengths)
    for i, n in enumerate(lengths):
        assert net.predict(X[i : i + 1, :n], lengths=[n])[0] == pytest.approx(together[i], abs=1e-6)
    X[1, 4:] = 5
    assert np.array_equal(net.predict(X, lengths=lengths), together)


@pytest.mark.parametrize("name", ["recurrent", "sentence_cnn"])
def test_every_builder_makes_a_network_that_learns_and_is_the_same_by_its_seed(name: str) -> None:
    """Texts with a z somewhere are of the other class."""
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("abcd"), size=rng.integers(2, 9))) for _ in range(64)]
    data = Texts(
        tuple(t[:2] + "z" + t[2:] if i % 2 else t for i, t in enumerate(texts)),
        np.arange(64) % 2,
        ("no", "z"),
    ).encode()
    nets = [TEXT_BUILDERS[name](len(data.encoding), 2, seed=s) for s in (5, 5, 6)]
    assert np.array_equal(nets[0].weights.values, nets[1].weights.values)
    assert not np.array_equal(nets[0].weights.values, nets[2].weights.values)
    history = nets[0].fit(data, epochs=12, batch_size=8, progress=False, optimizer=kn.Adam(5e-3))
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kn.recurrent(5, 2, layer="gro"), "recurrent: layer 'gro' is not known.*did you mean 'gru'"),
        (lambda: kn.recurrent(5, 2, depth=0), "recurrent: depth is 0"),
        (lambda: kn.recurrent(5, 2, dropout=1.0), "recurrent: dropout is 1.0"),
        (lambda: kn.sentence_cnn(5, 2, widths=()), "sentence_cnn: widths is empty"),
        (lambda: kn.sentence_cnn(5, 2, filters=0), "Conv1D: filters is 0"),
        (lambda: kn.character_model(5, 5, depth=0), "character_model: depth is 0"),
        (lambda: kn.character_model(5, 5, layer="x"), "character_model: layer 'x' is not known"),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], kn.Network], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
