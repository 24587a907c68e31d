"""klarnet on the peers' workloads: the same command line and the same JSON line as peers/torch_peer.py.

python benchmarks/klarnet_peer.py --workload lenet --seconds 3 --threads 2

A training step is one `Trainer.step` call from Python; an inference is one call of the network that
`net.freeze_for_inference` gives; ctc_only is the loss with its gradient by the logits,
replayed from a plan as in a training step.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))

from common import ADAM_LR, MOM, SGD_LR, cli, data, measure

TRAINED = [
    "mlp_small",
    "mlp_wide",
    "xor",
    "lenet",
    "vgg_small",
    "gru_text",
    "lstm_small",
    "highway100",
    "unet",
    "ocr",
]
INFERRED = ["infer_mlp_b1", "infer_lenet_b1", "infer_unet_b1", "infer_ocr_b1"]


def network(workload):
    """The network of a workload, as workloads.md describes it."""
    import klarnet as kn

    of = {
        "infer_mlp_b1": "mlp_small",
        "infer_lenet_b1": "lenet",
        "infer_unet_b1": "unet",
        "infer_ocr_b1": "ocr",
    }
    workload = of.get(workload, workload)

    def conv(filters, padding="half"):
        return kn.Conv2D(filters, 3, padding=padding, activation="relu")

    if workload == "mlp_small":
        layers, shape = (
            [kn.Dense(128, activation="relu"), kn.Dense(64, activation="relu"), kn.Dense(10)],
            (784,),
        )
    elif workload == "mlp_wide":
        layers, shape = (
            [kn.Dense(1024, activation="relu"), kn.Dense(1024, activation="relu"), kn.Dense(10)],
            (784,),
        )
    elif workload == "xor":
        return kn.Network([kn.Dense(8, activation="tanh"), kn.Dense(1)], input_shape=(2,), seed=0)
    elif workload == "lenet":
        layers = [conv(32, "valid"), conv(64, "valid"), kn.MaxPool2D(2), kn.Dropout(0.25), kn.Flatten()]
        layers += [kn.Dense(128, activation="relu"), kn.Dropout(0.5), kn.Dense(10)]
        shape = (28, 28, 1)
    elif workload == "vgg_small":
        layers, shape = [], (32, 32, 3)
        for filters in (64, 128, 256):
            layers += [conv(filters), conv(filters), kn.MaxPool2D(2)]
        layers += [kn.Flatten(), kn.Dense(256, activation="relu"), kn.Dense(10)]
    elif workload == "lstm_small":
        layers, shape = [kn.LSTM(64, outputs="last"), kn.Dense(10)], (50, 40)
    elif workload == "gru_text":
        layers, shape = [kn.Embedding(96, 64), kn.GRU(256), kn.Dense(96)], (100,)
    elif workload == "ocr":
        layers, shape = [], (48, 400, 1)
        for filters in (40, 60):
            layers += [conv(filters), kn.MaxPool2D(2)]
        layers += [kn.ToSequence(), kn.Bidirectional(kn.LSTM(200)), kn.Dropout(0.5), kn.Dense(80)]
    elif workload == "highway100":
        layers, shape = [*(kn.Highway() for _ in range(100)), kn.Dense(10)], (64,)
    elif workload == "unet":
        return unet(conv)
    else:
        raise SystemExit(f"unknown workload {workload}")
    return kn.Network(layers, input_shape=shape, seed=0)


def unet(conv):
    """Four levels down, three up by transposed convolution, with skip connections."""
    import klarnet as kn

    start = node = kn.Input((128, 128, 3))
    skips = []
    for level, filters in enumerate((16, 32, 64, 128)):
        if level:
            node = kn.MaxPool2D(2)(node)
        node = conv(filters)(conv(filters)(node))
        skips.append(node)
    for filters, skip in zip((64, 32, 16), reversed(skips[:-1]), strict=True):
        up = kn.ConvTranspose2D(filters, 2, stride=2)(node)
        node = conv(filters)(conv(filters)(kn.Concat()([skip, up])))
    return kn.Network(inputs=start, outputs=kn.Conv2D(12, 1)(node), seed=0)


def trainer(workload):
    """The network of a workload with its loss and optimizer."""
    import klarnet as kn

    momentum = workload == "vgg_small"
    plain = kn.GradientDescent(SGD_LR / 10, momentum=MOM) if momentum else kn.GradientDescent(SGD_LR)
    descending = workload in ("xor", "highway100", "vgg_small")
    loss = {"xor": "sigmoid_binary_cross_entropy", "ocr": "ctc"}.get(workload, "softmax_cross_entropy")
    return kn.Trainer(network(workload), loss=loss, optimizer=plain if descending else kn.Adam(ADAM_LR))


def replay_of(loss, X, t):
    """Value and gradient of a loss for these arrays, as a function that works them out anew."""
    import numpy as np

    from klarnet.engine import Description, Memory, Replay, State, Storage, Trace, engine, make_plan, tracing

    def lying(array):
        return Description(array.shape, array.dtype, Storage(array.nbytes, (0, array.ctypes.data)))

    trace, value, dX = Trace(), np.zeros(1, X.dtype), np.zeros_like(X)
    with tracing(trace):
        found, kept = loss.forward(lying(X), lying(t))
        trace.result(found, (0, value.ctypes.data))
        trace.result(loss.backward(kept), (0, dX.ctypes.data))
    bound = Replay(make_plan(trace), engine()).bind(Memory(), State(0.0, 1, 0))

    def run(keep=(X, t, value, dX)):
        bound.run()
        assert np.isfinite(value[0])

    return run


def main():
    a = cli("klarnet", [*TRAINED, "ctc_only", *INFERRED], lambda workload: ["native"])
    import klarnet as kn

    if kn.engine.engine() != "native":
        from klarnet.engine.native import why_not

        raise SystemExit(f"the native engine does not run: {why_not() or 'KLARNET_ENGINE chose another'}")
    kn.engine.set_threads(a.threads)
    batch = data(a.workload)
    if a.workload in INFERRED:
        f = network(a.workload).freeze_for_inference(batch_size=1)
        measure(a, lambda: f(batch["x"]))
    if a.workload == "ctc_only":
        measure(a, replay_of(kn.CTC(), batch["x"], batch["y"].astype("int32")))
    training = trainer(a.workload)
    X, t = batch["x"], batch["y"]
    measure(a, lambda: training.step(X, t))


if __name__ == "__main__":
    main()
