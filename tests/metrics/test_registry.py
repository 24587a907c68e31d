"""Metrics by name, and metrics of a user's own."""

from __future__ import annotations

import pytest

from klarnet import metrics


class Errors:
    better = "lower"

    def __init__(self):
        self.reset()

    def reset(self):
        self.count = 0

    def update(self, outputs, t):
        self.count += sum(y != x for y, x in zip(outputs, t, strict=True))

    def result(self):
        return float(self.count)


def test_a_name_gives_a_fresh_metric():
    one, two = metrics.resolve("accuracy"), metrics.resolve("accuracy")
    assert one is not two and one.better == "higher" and one.name == "accuracy"
    one.update([[0.2, 0.8]], [1])
    assert one.result() == 1 and two.total == 0
    assert isinstance(one, metrics.Metric)


def test_metrics_of_a_users_own():
    own = Errors()
    assert metrics.resolve(own) is own
    assert isinstance(metrics.resolve(Errors), Errors)


@pytest.mark.parametrize(
    "metric, error, words",
    [
        ("acuracy", ValueError, "metric 'acuracy' is not known.*; did you mean 'accuracy'\\?"),
        ("Accuracy", ValueError, "did you mean 'accuracy'"),
        ("perplexity", ValueError, "metric 'perplexity' is not known, expected one of accuracy, top_5"),
        (3, TypeError, "int has no update, result, reset"),
        (lambda outputs, t: 1.0, TypeError, "function has no update"),
        (type("Undecided", (Errors,), {"better": None}), ValueError, 'Undecided.better must be "higher" or'),
        (type("Wrong", (Errors,), {"better": "min"}), ValueError, "got 'min'"),
    ],
)
def test_what_is_no_metric_is_refused(metric, error, words):
    with pytest.raises(error, match=words):
        metrics.resolve(metric)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_every_name_gives_a_metric_that_knows_its_name_and_its_better_way(name):
    made = metrics.resolve(name)
    assert isinstance(made, metrics.Metric) and made.name == name and made.better in ("higher", "lower")
    assert type(made).__doc__ and made.result() != made.result()  # NaN before anything counted
