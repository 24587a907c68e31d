"""The steps from a trace to a plan, one by one."""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile
from pstats import Stats
from typing import Any

import numpy as np

import klarnet as kn
from klarnet.engine import ARENA, Description, Plan, Storage, Trace, make_plan, tracing
from klarnet.engine import functions as E
from klarnet.engine.plan import unplaced

F32 = np.dtype(np.float32)


def given(*shape: int, home: tuple[int, int] = (0, 64)) -> Description:
    """An array from outside the plan."""
    x = Description(shape, F32)
    x.storage.home = home
    return x


def plan_of(note: Callable[[Trace], None], *, optimise: bool = True) -> Plan:
    trace = Trace()
    with tracing(trace):
        note(trace)
    return make_plan(trace, optimise=optimise)


def names(plan: Plan) -> list[str]:
    return [" + ".join([c.name, *(f.name for f, _, _ in c.steps)]) for c in plan.calls]


X, W, V = given(4, 6), given(6, 6, home=(2, 0)), given(6, 6, home=(2, 144))
OUT = (9, 0)


# What is dropped ----------------------------------------------------------------------------------------------------


def test_what_nobody_reads_is_dropped() -> None:
    def note(trace: Trace) -> None:
        E.softmax(E.tanh(X))
        trace.result(E.relu(X), OUT)

    assert names(plan_of(note)) == ["relu"]
    assert names(plan_of(note, optimise=False)) == ["tanh", "softmax", "relu"]


def test_an_optional_output_that_nobody_reads_is_not_made() -> None:
    def note(trace: Trace) -> None:
        scalars = {"window": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}
        Y, index = E.max_pool2d(given(1, 4, 4, 2), **scalars)
        trace.result(Y, OUT)
        parts = E.split(X, widths=(2, 4))
        trace.result(parts[1], (10, 0))

    pool, split = (c for c in plan_of(note).calls if c.name != "copy")
    assert pool.outputs[0] is not None and pool.outputs[1] is None
    assert split.outputs[0][0] is None and split.outputs[0][1] is not None


def test_an_update_is_kept_though_nobody_reads_it() -> None:
    def note(trace: Trace) -> None:
        E.batch_norm(
            X, given(6), given(6), given(6, home=(4, 0)), given(6, home=(4, 64)), momentum=0.9, epsilon=1e-5
        )
        trace.python(lambda: [], [], [], 1)

    assert names(plan_of(note)) == ["batch_norm", "python"]


def test_a_repeated_call_is_made_once() -> None:
    def note(trace: Trace) -> None:
        a, b = E.tanh(X), E.tanh(X)
        trace.result(E.add(E.softmax(a), b), OUT)
        trace.result(E.softmax(b), (10, 0))

    # The second softmax goes to a place of its own.
    assert names(plan_of(note)) == ["tanh", "softmax", "softmax", "add"]


def test_calls_that_only_look_alike_are_all_made() -> None:
    def note(trace: Trace) -> None:
        mean, variance = given(6, home=(4, 0)), given(6, home=(4, 64))
        first = E.batch_norm_fixed(X, given(6), given(6), mean, variance, epsilon=1e-5)[0]
        E.batch_norm(X, given(6), given(6), mean, variance, momentum=0.9, epsilon=1e-5)
        second = E.batch_norm_fixed(X, given(6), given(6), mean, variance, epsilon=1e-5)[0]
        trace.result(E.add(first, second), OUT)
        trace.result(E.add(E.leaky_relu(X, slope=0.1), E.leaky_relu(X, slope=0.2)), (10, 0))
        trace.result(E.dropout(E.dropout(X, rate=0.5, node=1), rate=0.5, node=1), (11, 0))

    found = names(plan_of(note))
    assert (
        found.count("batch_norm_fixed") == 2
        and found.count("leaky_relu") == 2
        and found.count("dropout") == 2
    )


# What is joined -----------------------------------------------------------------------------------------------------


def joined(note: Callable[[], Any]) -> list[str]:
    return names(plan_of(lambda trace: trace.result(note(), OUT)))


def test_steps_follow_their_carrier() -> None:
    assert joined(lambda: E.relu(E.dense(X, W))) == ["dense + relu"]
    assert joined(lambda: E.relu_backward(E.dense_backward(X, W), X)) == ["dense_backward + relu_backward"]
    assert joined(lambda: E.add(E.dense(X, W), X)) == ["dense + add"]
    assert joined(lambda: E.add(X, E.dense(X, W))) == ["dense + add"]
    assert joined(lambda: E.softmax(E.dense(X, W))) == ["dense", "softmax"]


def test_a_record_holds_four_steps() -> None:
    def five() -> Any:
        Y = E.dense(X, W)
        for _ in range(5):
            Y = E.tanh(Y)
        return Y

    assert joined(five) == ["dense" + " + tanh" * 4, "tanh"]


def test_an_output_that_is_read_twice_is_not_joined() -> None:
    def twice() -> Any:
        Z = E.dense(X, W)
        return E.softmax_backward(E.relu(Z), Z)

    assert joined(twice) == ["dense", "relu", "softmax_backward"]
    assert joined(lambda: (lambda Z: E.add(Z, Z))(E.dense(X, W))) == ["dense", "add"]


def test_an_output_that_is_a_result_is_not_joined() -> None:
    def note(trace: Trace) -> None:
        Z = E.dense(X, W)
        trace.result(Z, OUT)
        trace.result(E.relu(Z), (10, 0))

    assert names(plan_of(note)) == ["dense", "relu"]


def test_the_other_operand_must_be_there_before_the_carrier_runs() -> None:
    def late() -> Any:
        Z = E.dense(X, W)
        return E.add(Z, E.softmax(X))

    def both() -> Any:
        return E.add(E.dense(X, W), E.dense(X, V))

    def gate() -> Any:
        Z = E.dense(X, W)
        return E.relu_backward(X, Z)

    assert joined(late) == ["dense", "softmax", "add"]
    assert joined(both) == ["dense", "dense + add"]
    assert joined(gate) == ["dense", "relu_backward"], "only the first input of a step is carried on"


def test_a_part_of_an_output_is_not_joined() -> None:
    assert joined(lambda: E.relu(E.dense(X, W)[1:3])) == ["dense", "relu"]


def test_nothing_is_joined_across_the_border_of_parts() -> None:
    """Gradients and update run apart, with clipping between them."""

    def note(trace: Trace) -> None:
        Z = E.dense(X, W)
        trace.parts.append(len(trace.calls))
        trace.result(E.relu(Z), OUT)

    plan = plan_of(note)
    assert names(plan) == ["dense", "relu"] and plan.parts == [0, 1]


def test_the_plan_tells_what_was_joined() -> None:
    plan = plan_of(lambda trace: trace.result(E.relu(E.dense(X, W)), OUT))
    assert plan.joined == ["dense + relu"] and plan.noted == 2


# What is moved ------------------------------------------------------------------------------------------------------


def test_a_gradient_is_computed_as_soon_as_its_inputs_are_there() -> None:
    def note(trace: Trace) -> None:
        dY = E.softmax(X)
        dX = E.softmax_backward(dY, X)
        dZ = E.softmax_backward(dX, X)
        trace.deliver(E.dense_gradients(X, dY)[0], given(6, 6, home=(3, 0)))
        trace.result(dZ, OUT)

    assert names(plan_of(note)) == ["softmax", "dense_gradients", "softmax_backward", "softmax_backward"]


def test_gradients_of_one_place_keep_their_order() -> None:
    def note(trace: Trace) -> None:
        place = given(6, 6, home=(3, 0))
        late = E.softmax(E.softmax(X))
        trace.deliver(E.dense_gradients(X, late)[0], place)
        trace.deliver(E.dense_gradients(X, X)[0], place)

    plan = plan_of(note)
    assert [c.adds for c in plan.calls if c.name == "dense_gradients"] == [set(), {0}]
    assert names(plan) == ["softmax", "softmax", "dense_gradients", "dense_gradients"]


def test_a_gradient_that_cannot_be_added_to_is_added_by_a_call() -> None:
    def note(trace: Trace) -> None:
        place = given(4, 6, home=(3, 0))
        trace.deliver(E.tanh(X), place)
        trace.deliver(E.relu(X), place)

    assert names(plan_of(note)) == ["tanh", "relu", "add"]


# Where arrays lie ---------------------------------------------------------------------------------------------------


def homes(plan: Plan) -> list[Any]:
    return [c.outputs[0].storage.home for c in plan.calls if c.outputs[0] is not None]


def test_every_array_has_a_place() -> None:
    for optimise in (True, False):
        plan = plan_of(
            lambda trace: trace.result(E.softmax(E.softmax(E.dense(X, W))), OUT), optimise=optimise
        )
        assert not unplaced(plan.calls) and homes(plan)[-1] == OUT


def test_an_output_takes_the_memory_of_an_input_where_the_row_allows_it() -> None:
    def note(trace: Trace) -> None:
        trace.result(E.dense(E.softmax(E.softmax(E.softmax(X))), W), OUT)

    assert homes(plan_of(note))[:3] == [(ARENA, 0)] * 3
    assert homes(plan_of(note, optimise=False))[:3] == [(ARENA, 0), (ARENA, 128), (ARENA, 256)]


def test_an_input_that_is_read_later_keeps_its_memory() -> None:
    def note(trace: Trace) -> None:
        a = E.softmax(X)
        b = E.softmax(a)
        trace.result(E.dense(E.softmax_backward(b, a), W), OUT)

    first, second, third, _ = homes(plan_of(note))
    assert first != second and third in (first, second)


def test_an_input_from_outside_keeps_its_memory() -> None:
    plan = plan_of(lambda trace: trace.result(E.dense(E.softmax(X), W), OUT))
    assert homes(plan)[0] == (ARENA, 0) and X.storage.home == (0, 64)


def test_the_mask_of_a_relu_becomes_its_gradient() -> None:
    def note(trace: Trace) -> None:
        Y = E.softmax(X)
        dX = E.relu_backward(E.dense_backward(given(4, 6, home=(0, 640)), W), Y)
        trace.result(E.dense(dX, W), OUT)

    plan = plan_of(note)
    assert names(plan) == ["softmax", "dense_backward + relu_backward", "dense"]
    assert homes(plan)[0] == homes(plan)[1] and plan.arena_bytes == 128


def test_memory_is_used_again() -> None:
    """Arrays of different sizes: the tightest gap is taken, neighbours become one gap."""

    def note(trace: Trace) -> None:
        V = given(64, 64, home=(2, 0))
        for i, rows in enumerate((1000, 4000, 1000, 4000)):  # large enough to run one after the other
            trace.result(E.tanh(E.dense(E.dense(E.softmax(given(rows, 64)), V), V)), (9 + i, 0))

    most = 4000 * 64 * 4
    assert plan_of(note).arena_bytes == 2 * most
    assert plan_of(note, optimise=False).arena_bytes > 6 * most


def test_empty_arrays_and_programs() -> None:
    plan = plan_of(lambda trace: trace.result(E.softmax(E.softmax(given(0, 6))), OUT))
    assert not unplaced(plan.calls)
    empty = plan_of(lambda trace: None)
    assert empty.calls == [] and empty.arena_bytes == 0 and empty.parts == [0]


def test_what_a_python_entry_reads_stays_in_place() -> None:
    """`Kept` of a NumPy layer holds views of what its forward was given, until its weight gradients are done."""

    def note(trace: Trace) -> None:
        a = E.softmax(X)
        b = Description((4, 6), F32)
        trace.python(lambda x: [x], [a], [b], 1)
        c = E.softmax(E.softmax(b))
        trace.python(lambda *_: [], [a, c], [], 1)

    plan = plan_of(note)
    places = homes(Plan(plan.calls[:-1], plan.waves[:-1], [0], 0, 0))
    assert names(plan) == ["softmax", "python", "softmax", "softmax", "python"]
    assert places[0] not in places[1:]


def test_results_of_views_are_copied() -> None:
    def note(trace: Trace) -> None:
        Y = E.softmax(X)
        trace.result(Y[1:3], OUT)
        trace.result(X, (10, 0))
        trace.result(Y.reshape(24), (11, 0))

    found = names(plan_of(note))
    assert found.count("copy") == 2 and found[0] == "softmax"


def test_a_storage_without_a_maker_is_copied() -> None:
    stray = Description((4, 6), F32, Storage(96, (0, 4096)))
    assert names(plan_of(lambda trace: trace.result(stray, OUT))) == ["copy"]


def test_planning_takes_time_in_proportion_to_the_calls() -> None:
    """Counted in Python calls, so that a busy machine makes no difference."""

    def count(depth: int) -> int:
        net = kn.Network([*(kn.Highway() for _ in range(depth)), kn.Dense(3), kn.Softmax()], input_shape=(4,))
        trainer, profile = kn.Trainer(net), Profile()
        X, t = np.zeros((2, 4), np.float32), np.zeros(2, int)
        profile.runcall(trainer.plan, X, t)
        return int(Stats(profile).total_calls)  # type: ignore[attr-defined]

    assert count(80) < 2.3 * count(40)
