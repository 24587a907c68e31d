"""Writes the golden files next to it: what PyTorch computes, in float64, for every layer, loss and optimizer.

    python tests/golden/make.py

needs torch and NumPy, and is run once; the tests need the files only. One file a chapter, <chapter>.npz; the arrays of
a case are named "<case>/<array>", its options "<case>/options" (JSON). Shapes are klarnet's: channels last.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Case = dict[str, object]
HERE = Path(__file__).resolve().parent


def draw(*shape: int, scale: float = 1.0) -> Tensor:
    return (torch.randn(*shape, dtype=torch.float64) * scale).requires_grad_()


def case(options: dict[str, object] | None = None, **arrays: Tensor | None) -> Case:
    return {"options": options or {}, **{name: a for name, a in arrays.items() if a is not None}}


def backward(Y: Tensor, **inputs: Tensor | None) -> dict[str, Tensor]:
    """A random dY and the gradient of each input, named d<input>."""
    dY = torch.randn_like(Y)
    names = [name for name, X in inputs.items() if X is not None]
    gradients = torch.autograd.grad(Y, [inputs[name] for name in names], dY)
    return {"Y": Y, "dY": dY, **inputs, **{f"d{name}": g for name, g in zip(names, gradients, strict=True)}}


def first(X: Tensor) -> Tensor:
    """Channels last → channels first."""
    return X.movedim(-1, 1)


def last(X: Tensor) -> Tensor:
    return X.movedim(1, -1)


def dense() -> dict[str, Case]:
    cases = {}
    for name, shape, bias in (
        ("matrix", (5, 4), True),
        ("sequence", (3, 2, 4), True),
        ("no_bias", (5, 4), False),
    ):
        X, W, b = draw(*shape), draw(4, 3), draw(3) if bias else None
        cases[name] = case(**backward(F.linear(X, W.T, b), X=X, W=W, b=b))
    return cases


def activation() -> dict[str, Case]:
    functions = {
        "relu": (torch.relu, {}),
        "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), {"slope": 0.2}),
        "elu": (lambda x: F.elu(x, 0.7), {"alpha": 0.7}),
        "gelu": (F.gelu, {}),
        "silu": (F.silu, {}),
        "tanh": (torch.tanh, {}),
        "sigmoid": (torch.sigmoid, {}),
        "softmax": (lambda x: x.softmax(-1), {}),
        "log_softmax": (lambda x: x.log_softmax(-1), {}),
    }
    cases = {}
    for name, (f, options) in functions.items():
        X = draw(6, 7, scale=4.0)
        cases[name] = case(options, **backward(f(X), X=X))
    return cases


def convolution() -> dict[str, Case]:
    none = ((0, 0), (0, 0))
    table = {
        "plain": ((2, 6, 7, 3), (3, 2), 4, (1, 1), (1, 1), none, 1),
        "stride": ((2, 8, 7, 3), (3, 3), 4, (2, 3), (1, 1), none, 1),
        "dilation": ((2, 9, 8, 2), (3, 2), 3, (1, 1), (2, 3), none, 1),
        "half_even": ((1, 5, 6, 2), (2, 4), 3, (1, 1), (1, 1), ((0, 1), (1, 2)), 1),
        "full": ((1, 4, 4, 2), (3, 3), 2, (1, 1), (1, 1), ((2, 2), (2, 2)), 1),
        "everything": ((2, 9, 10, 4), (3, 2), 6, (2, 2), (2, 3), ((1, 2), (3, 0)), 2),
        "depthwise": ((2, 6, 5, 3), (3, 3), 3, (1, 1), (1, 1), ((1, 1), (1, 1)), 3),
        "depthwise_wider": ((2, 6, 5, 3), (2, 3), 6, (2, 1), (1, 1), ((1, 0), (1, 1)), 3),
        "pointwise": ((2, 4, 5, 6), (1, 1), 4, (1, 1), (1, 1), none, 1),
    }
    cases = {}
    for name, (shape, filter_, k, stride, dilation, padding, groups) in table.items():
        X, W = draw(*shape), draw(*filter_, shape[-1] // groups, k)
        b = None if name == "pointwise" else draw(k)
        (top, bottom), (left, right) = padding
        Y = last(
            F.conv2d(
                F.pad(first(X), (left, right, top, bottom)),
                W.permute(3, 2, 0, 1),
                b,
                stride,
                dilation=dilation,
                groups=groups,
            )
        )
        options = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
        cases[name] = case(options, **backward(Y, X=X, F=W, b=b))
    X, W, b = draw(2, 11, 4), draw(3, 2, 6), draw(6)
    Y = last(F.conv1d(F.pad(first(X), (2, 1)), W.permute(2, 1, 0), b, 2, dilation=2, groups=2))
    cases["one_dimension"] = case(
        {"stride": 2, "dilation": 2, "padding": (2, 1), "groups": 2}, **backward(Y, X=X, F=W, b=b)
    )
    return cases


def pooling() -> dict[str, Case]:
    table = {
        "plain": ((2, 6, 8, 3), (2, 2), (2, 2), (0, 0)),
        "overlap": ((2, 7, 7, 2), (3, 3), (2, 2), (0, 0)),
        "padded": ((2, 7, 6, 2), (3, 2), (2, 1), (1, 1)),
        "apart": ((1, 9, 9, 2), (2, 2), (3, 3), (0, 0)),
        "incomplete": ((1, 7, 5, 2), (2, 3), (2, 3), (0, 0)),
    }
    cases = {}
    for name, (shape, window, stride, padding) in table.items():
        options = {"window": window, "stride": stride, "padding": [(p, p) for p in padding]}
        X = draw(*shape)
        Y, flat = F.max_pool2d(first(X), window, stride, padding, return_indices=True)
        cases[f"max_{name}"] = case(options, flat=last(flat), **backward(last(Y), X=X))
        for count in (1, 0):
            X = draw(*shape)
            Y = last(F.avg_pool2d(first(X), window, stride, padding, count_include_pad=bool(count)))
            cases[f"average_{name}_{count}"] = case({**options, "count_padding": count}, **backward(Y, X=X))
    X = draw(3, 6, 4)
    cases["global"] = case(**backward(F.adaptive_avg_pool1d(first(X), 1)[..., 0], X=X))
    return cases


def norm() -> dict[str, Case]:
    cases = {}
    for name, shape in (("matrix", (6, 3)), ("images", (2, 3, 4, 5))):
        for training in (True, False):
            X, gamma, beta = draw(*shape), draw(shape[-1]), draw(shape[-1])
            mean, variance = (
                torch.randn(shape[-1], dtype=torch.float64),
                torch.rand(shape[-1], dtype=torch.float64),
            )
            before = {"mean": mean.clone(), "variance": variance.clone()}
            Y = last(F.batch_norm(first(X), mean, variance, gamma, beta, training, 0.2, 1e-3))
            found = backward(Y, X=X, gamma=gamma, beta=beta)
            cases[f"batch_{name}_{'training' if training else 'fixed'}"] = case(
                {"momentum": 0.8, "epsilon": 1e-3}, **before, new_mean=mean, new_variance=variance, **found
            )
        X, gamma, beta = draw(*shape), draw(shape[-1]), draw(shape[-1])
        cases[f"layer_{name}"] = case(
            {"epsilon": 1e-3},
            **backward(F.layer_norm(X, shape[-1:], gamma, beta, 1e-3), X=X, gamma=gamma, beta=beta),
        )
    return cases


def embedding() -> dict[str, Case]:
    index, W = torch.tensor([[0, 3, 3, 1], [5, 0, 3, 4]]), draw(6, 5)
    return {"repeated": case(index=index, **backward(F.embedding(index, W), W=W))}


def highway() -> dict[str, Case]:
    H, T, X = draw(4, 5), draw(4, 5), draw(4, 5)
    return {"gate": case(**backward(H * T + X * (1 - T), H=H, T=T, X=X))}


def lstm() -> dict[str, Case]:
    """A packed batch, so that the reverse direction starts at each example's own last step."""
    cases = {}
    n, t, m, k = 3, 6, 4, 5
    for reverse in (0, 1):
        for given in (True, False):
            net = torch.nn.LSTM(m, k, batch_first=True, bidirectional=True).double()
            x, lengths = draw(n, t, m), torch.tensor([6, 2, 4]) if given else torch.full((n,), t)
            h0, c0 = draw(2, n, k), draw(2, n, k)
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            out, (h_n, _) = net(packed, (h0, c0))
            H = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=t)[0]
            H = H[..., reverse * k : (reverse + 1) * k]
            dH, dlast = torch.randn_like(H), torch.randn(n, k, dtype=torch.float64)
            tail = "_reverse" if reverse else ""
            Wx, Wh, bx, bh = (
                getattr(net, f"{p}_l0{tail}") for p in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            dx, dWx, dWh, db, dh0, dc0 = torch.autograd.grad(
                (H * dH).sum() + (h_n[reverse] * dlast).sum(), [x, Wx, Wh, bx, h0, c0]
            )
            cases[f"{'reverse' if reverse else 'forward'}_{'lengths' if given else 'whole'}"] = case(
                {"reverse": reverse},
                x=x,
                Wx=Wx.T,
                W=Wh.T,
                b=bx + bh,
                h0=h0[reverse],
                c0=c0[reverse],
                lengths=lengths if given else None,
                H=H,
                last=h_n[reverse],
                dH=dH,
                dlast=dlast,
                dx=dx,
                dWx=dWx.T,
                dW=dWh.T,
                db=db,
                dh0=dh0[reverse],
                dc0=dc0[reverse],
            )
    return cases


def gru_reset_before(
    x: Tensor, h: Tensor, Wx: Tensor, W: Tensor, b: Tensor, bh: Tensor, order: list[int]
) -> Tensor:
    """The paper's form, which PyTorch has no layer for, by its functions. One example, x (t, m) → H (t, k)."""
    k, H = len(h), [h] * len(x)
    for now in order:
        a = x[now] @ Wx + b
        r, z = ((a + h @ W)[: 2 * k]).sigmoid().split(k)
        h = (1 - z) * (a[2 * k :] + (r * h) @ W[:, 2 * k :] + bh).tanh() + z * h
        H[now] = h
    return torch.stack(H)


def recurrent() -> dict[str, Case]:
    """Vanilla RNN and GRU, as `lstm`; the GRU with reset before, step by step."""
    cases = {}
    n, t, m, k = 3, 6, 4, 5
    for kind, gates in (("rnn", 1), ("gru", 3), ("gru_before", 3)):
        for reverse, given in ((0, True), (1, True), (0, False), (1, False)):
            x, lengths = draw(n, t, m), torch.tensor([6, 2, 4]) if given else torch.full((n,), t)
            h0 = draw(n, k)
            Wx, W, b, bh = draw(m, gates * k), draw(k, gates * k), draw(gates * k), draw(k)
            if kind == "gru_before":
                ways = [
                    range(length - 1, -1, -1) if reverse else range(length) for length in lengths.tolist()
                ]
                states = [
                    gru_reset_before(x[i], h0[i], Wx, W, b, bh, list(way)) for i, way in enumerate(ways)
                ]
                on = torch.arange(t)[None, :, None] < lengths[:, None, None]
                H = torch.where(on, torch.stack(states), 0.0)
                last = torch.stack([H[i, way[-1]] for i, way in enumerate(ways)])
            else:
                net = (torch.nn.RNN if kind == "rnn" else torch.nn.GRU)(
                    m, k, batch_first=True, bidirectional=True
                ).double()
                zero = torch.zeros((gates - 1) * k, dtype=torch.float64)
                own = {"weight_ih": Wx.T, "weight_hh": W.T, "bias_ih": b, "bias_hh": torch.cat((zero, bh))}
                if kind == "rnn":
                    own["bias_hh"] = torch.zeros(k, dtype=torch.float64)
                packed = torch.nn.utils.rnn.pack_padded_sequence(
                    x, lengths, batch_first=True, enforce_sorted=False
                )
                both = {f"{name}_l0{tail}": v for name, v in own.items() for tail in ("", "_reverse")}
                out, h_n = torch.func.functional_call(net, both, (packed, torch.stack((h0, h0))))
                H = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=t)[0]
                H, last = H[..., reverse * k : (reverse + 1) * k], h_n[reverse]
            dH, dlast = torch.randn_like(H), torch.randn(n, k, dtype=torch.float64)
            inputs = {"x": x, "Wx": Wx, "W": W, "b": b, "h0": h0} | ({} if kind == "rnn" else {"bh": bh})
            found = torch.autograd.grad((H * dH).sum() + (last * dlast).sum(), list(inputs.values()))
            cases[f"{kind}_{'reverse' if reverse else 'forward'}_{'lengths' if given else 'whole'}"] = case(
                {"reverse": reverse},
                **inputs,
                **{f"d{name}": g for name, g in zip(inputs, found, strict=True)},
                lengths=lengths if given else None,
                H=H,
                last=last,
                dH=dH,
                dlast=dlast,
            )
    return cases


def shape() -> dict[str, Case]:
    cases = {}
    for name, padding in (
        ("pad", ((1, 2), (0, 3))),
        ("crop", ((-1, -2), (-3, 0))),
        ("both", ((2, -1), (-2, 1))),
    ):
        X = draw(2, 5, 6, 3)
        (top, bottom), (left, right) = padding
        Y = last(F.pad(first(X), (left, right, top, bottom)))
        cases[name] = case({"padding": padding}, **backward(Y, X=X))
    X = draw(2, 3, 4, 2, 3)
    cases["permute"] = case({"axes": (0, 3, 1, 4, 2)}, **backward(X.permute(0, 3, 1, 4, 2), X=X))
    A, B = draw(2, 3, 2), draw(2, 3, 4)
    cases["concat"] = case({"widths": (2, 4)}, **backward(torch.cat((A, B), -1), A=A, B=B))
    return cases


def loss(value: Tensor, options: dict[str, object], X: Tensor, **others: Tensor | None) -> Case:
    return case(options, X=X, value=value.reshape(1), dX=torch.autograd.grad(value, X)[0], **others)


def cross_entropy() -> dict[str, Case]:
    """Weighted distributions only as a sum: PyTorch's mean over them does not count the weights."""
    cases = {}
    weights = torch.rand(4, dtype=torch.float64) + 0.5
    for positions in ((6,), (2, 3)):
        t = torch.randint(0, 4, positions)
        T = torch.rand(*positions, 4, dtype=torch.float64).softmax(-1)
        for smoothing in (0.0, 0.1):
            for ignored, w, mean in (
                (None, None, 1),
                (None, None, 0),
                (2, None, 1),
                (2, weights, 1),
                (None, weights, 0),
            ):
                X = draw(*positions, 4, scale=2.0)
                value = F.cross_entropy(
                    X.reshape(-1, 4),
                    t.reshape(-1),
                    w,
                    reduction="mean" if mean else "sum",
                    ignore_index=-100 if ignored is None else ignored,
                    label_smoothing=smoothing,
                )
                name = f"classes_{len(positions)}_{smoothing}_{ignored}_{w is not None}_{mean}"
                cases[name] = loss(
                    value, {"smoothing": smoothing, "ignored": ignored, "mean": mean}, X, t=t, weights=w
                )
            for w, mean in ((None, 1), (weights, 0)):
                X = draw(*positions, 4, scale=2.0)
                value = F.cross_entropy(
                    X.reshape(-1, 4),
                    T.reshape(-1, 4),
                    w,
                    label_smoothing=smoothing,
                    reduction="mean" if mean else "sum",
                )
                name = f"distributions_{len(positions)}_{smoothing}_{w is not None}"
                cases[name] = loss(
                    value, {"smoothing": smoothing, "ignored": None, "mean": mean}, X, T=T, weights=w
                )
    X = torch.rand(5, 4, dtype=torch.float64).softmax(-1).requires_grad_()
    t = torch.randint(0, 4, (5,))
    cases["probabilities"] = loss(F.nll_loss(X.log(), t, weights), {"mean": 1}, X, t=t, weights=weights)
    return cases


def ctc() -> dict[str, Case]:
    cases = {}
    for name, blank, infeasible in (("repeats", 0, False), ("last_blank", 4, False), ("infeasible", 0, True)):
        X = draw(4, 9, 5, scale=2.0)
        first = int(blank == 0)
        labels = torch.randint(first, first + 4, (4, 4))
        labels[0] = labels[0, 0]  # one label four times: seven steps
        lengths, label_lengths = torch.tensor([6 if infeasible else 7, 9, 5, 3]), torch.tensor([4, 4, 2, 0])
        losses = F.ctc_loss(
            X.log_softmax(-1).movedim(1, 0), labels, lengths, label_lengths, blank, "none", zero_infinity=True
        )
        (G,) = torch.autograd.grad(losses.sum(), X)
        cases[name] = case(
            {"blank": blank},
            X=X,
            labels=labels,
            lengths=lengths,
            label_lengths=label_lengths,
            losses=losses,
            G=G,
        )
    return cases


def regression() -> dict[str, Case]:
    cases = {}
    for reduction in ("mean", "sum"):
        factor = 1 / 12 if reduction == "mean" else 1.0
        T = torch.rand(4, 3, dtype=torch.float64)
        X = (torch.rand(4, 3, dtype=torch.float64) * 0.9 + 0.05).requires_grad_()
        cases[f"binary_cross_entropy-{reduction}"] = loss(
            F.binary_cross_entropy(X, T, reduction=reduction), {"factor": factor}, X, T=T
        )
        X = draw(4, 3, scale=5.0)
        cases[f"sigmoid_binary_cross_entropy-{reduction}"] = loss(
            F.binary_cross_entropy_with_logits(X, T, reduction=reduction), {"factor": factor}, X, T=T
        )
        X = draw(4, 3)
        cases[f"squared_error-{reduction}"] = loss(
            F.mse_loss(X, T, reduction=reduction), {"factor": factor}, X, T=T
        )
        for beta in (1.0, 0.4):
            X = draw(4, 3)
            cases[f"smooth_l1-{reduction}-{beta}"] = loss(
                F.smooth_l1_loss(X, T, reduction=reduction, beta=beta),
                {"factor": factor, "beta": beta},
                X,
                T=T,
            )
            X = draw(4, 3)
            cases[f"huber-{reduction}-{beta}"] = loss(
                F.huber_loss(X, T, reduction=reduction, delta=beta), {"factor": factor, "beta": beta}, X, T=T
            )
    return cases


def optimizers() -> dict[str, Case]:
    """Ten steps on gradients given; Ws[i] are the weights after step i + 1."""
    O = torch.optim
    table = {
        "gradient_descent": (O.SGD, {}, {}),
        "gradient_descent_decay": (O.SGD, {"weight_decay": 0.1}, {"decay": 0.1}),
        "momentum": (O.SGD, {"momentum": 0.8}, {"momentum": 0.8}),
        "momentum_decay": (O.SGD, {"momentum": 0.8, "weight_decay": 0.1}, {"momentum": 0.8, "decay": 0.1}),
        "momentum_nesterov": (
            O.SGD,
            {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
            {"momentum": 0.8, "nesterov": 1, "decay": 0.1},
        ),
        "adagrad": (O.Adagrad, {}, {}),
        "adagrad_decay": (O.Adagrad, {"weight_decay": 0.1, "eps": 1e-3}, {"decay": 0.1, "epsilon": 1e-3}),
        "rmsprop": (O.RMSprop, {}, {}),
        "rmsprop_decay": (O.RMSprop, {"alpha": 0.9, "weight_decay": 0.1}, {"rho": 0.9, "decay": 0.1}),
        "adam": (O.Adam, {}, {}),
        "adam_decay": (
            O.Adam,
            {"betas": (0.8, 0.9), "weight_decay": 0.1},
            {"beta1": 0.8, "beta2": 0.9, "decay": 0.1},
        ),
        "adam_decoupled": (O.AdamW, {"weight_decay": 0.1}, {"decoupled": 1, "decay": 0.1}),
    }
    cases = {}
    for name, (optimizer, theirs, ours) in table.items():
        W, g, Ws = draw(7), torch.randn(10, 7, dtype=torch.float64), []
        start = W.detach().clone()
        update = optimizer([W], lr=0.02, **theirs)
        for step in range(10):
            W.grad = g[step].clone()
            update.step()
            Ws.append(W.detach().clone())
        cases[name] = case({"learning_rate": 0.02, **ours}, W=start, g=g, Ws=torch.stack(Ws))
    return cases


def main() -> None:
    for chapter in (
        dense,
        activation,
        convolution,
        pooling,
        norm,
        embedding,
        highway,
        lstm,
        recurrent,
        shape,
        cross_entropy,
        ctc,
        regression,
        optimizers,
    ):
        torch.manual_seed(1)
        arrays = {}
        for name, contents in chapter().items():
            arrays[f"{name}/options"] = np.array(json.dumps(contents.pop("options")))
            arrays |= {
                f"{name}/{array}": np.ascontiguousarray(a.detach().numpy()) for array, a in contents.items()
            }
        np.savez_compressed(HERE / f"{chapter.__name__}.npz", **arrays)
        print(f"{chapter.__name__}.npz  {(HERE / f'{chapter.__name__}.npz').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
