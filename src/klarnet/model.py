"""The public `Network`: a graph of layers with fit, evaluate and predict."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

from klarnet.layers import Layer, Sigmoid, Softmax
from klarnet.layers.checks import positive
from klarnet.network import BaseNetwork, InputScaling

if TYPE_CHECKING:
    from klarnet.losses import Loss
    from klarnet.network.inference import Frozen
    from klarnet.network.summary import Summary
    from klarnet.network.transfer import LoadReport
    from klarnet.training import Callback, History
    from klarnet.training.evaluation import Result
    from klarnet.training.feed import Feed
    from klarnet.training.trace import Trace

# What a method needs is imported when it is first called: whoever builds a network and makes a step with a Trainer does
# not wait for files, data and callbacks.


class Network(BaseNetwork):
    """A neural network: layers, weights, and what one does with them.

        net = kn.Network([kn.Dense(16, activation="tanh"), kn.Dense(3), kn.Softmax()], input_shape=(4,), seed=1)
        net.fit(X, t, epochs=20)
        p = net.predict(X)

    layers, input_shape   a list of layers, one behind the other, and the shape of one example
    inputs, outputs       or graph nodes: kn.Input(…), and what layers made of it; a dict of several outputs by name
    seed                  of weights, dropout, noise and the order of examples: same seed, same bits
    dtype                 float32, or float64 (which the formulas run)
    class_names, scaling  what travels with the network into its file; fit takes both from its data

    Raises ValueError with the layer's name when shapes do not fit.
    """

    _learned_by: Any = None  # the loss of the last fit

    def fit(
        self,
        data_or_X: Any,
        t: Any = None,
        *,
        validation: Any = None,
        loss: Any = None,
        metrics: Sequence[Any] | None = None,
        optimizer: Any = "adam",
        schedule: Any = None,
        batch_size: int = 32,
        epochs: int = 10,
        seed: int | None = None,
        callbacks: Sequence[Callback] = (),
        lengths: Any = None,
        loss_weights: Any = None,
        rates: Mapping[str, float] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        weight_noise: float | None = None,
        label_noise: float = 0.0,
        resume: bool = False,
        progress: bool = True,
    ) -> History:
        """Train on data and return what happened in each epoch.

        data_or_X, t   arrays X (n, …) and t; a pair (X, t); a `kn.data.Dataset`, augmented or not, or any other
                       `kn.data.Source`; an iterable of batches; dicts of arrays where there are several inputs or
                       outputs
        validation     the same kinds, or a share of the data between 0 and 1, split off after shuffling
        loss           a loss or its name; by default cross entropy behind Softmax, binary cross entropy behind Sigmoid,
                       squared error otherwise
        metrics        names or objects; by default accuracy for a classification (binary: of targets 0 and 1)
        optimizer      an optimizer or its name
        schedule       of the learning rate: kn.Cosine(), kn.WarmUp(500, then=kn.Cosine()), …, or a name
        batch_size     examples an iteration; the last batch of an epoch holds what is left
        seed           of the order of the examples, by default the network's own
        callbacks      kn.EarlyStopping(…), kn.Checkpoint(…), or your own
        lengths        (n,) valid steps of each example, where an input takes them
        rates          factors of the learning rate by pattern of layers or weights, {"conv2d_*": 0.1}; where several
                       fit a weight, the last one counts
        clip_norm      c: the gradients are scaled by min(1, c / norm of them all)
        clip_value     c: each gradient is brought into [−c, c], before clip_norm
        max_norm       c: behind each update, the weights into a unit are scaled by min(1, c / their norm)
        weight_noise   standard deviation of noise on the weights, for the passes of a step only
        label_noise    probability that a label is another one, drawn anew in each epoch
        resume         go on from the last checkpoint in kn.Checkpoint's folder, to the bit; begin where it has none
        progress       show a progress bar (plain lines where the output is no terminal)

        Ctrl-C ends the training and keeps the work. Raises ValueError for data, labels or shapes that do not fit, and
        kn.NotFiniteError with the layer's name when the loss is no finite number.
        """
        from klarnet.training.fit import fit

        train, held_out = self._split(data_or_X, t, validation, lengths, self.seed if seed is None else seed)
        bounds: dict[str, Any] = {"clip_norm": clip_norm, "clip_value": clip_value, "max_norm": max_norm}
        noise: dict[str, Any] = {"weight_noise": weight_noise, "label_noise": label_noise}
        seen: dict[str, Any] = {"metrics": metrics, "callbacks": callbacks, "progress": progress}
        order: dict[str, Any] = {"batch_size": batch_size, "epochs": epochs, "seed": seed, "resume": resume}
        rates_of: dict[str, Any] = {"optimizer": optimizer, "schedule": schedule, "rates": rates}
        self._learned_by = self.default_loss() if loss is None else loss
        return fit(
            self,
            train,
            held_out,
            loss=self._learned_by,
            loss_weights=loss_weights,
            **(order | rates_of | bounds | noise | seen),
        )

    def evaluate(
        self,
        data_or_X: Any,
        t: Any = None,
        *,
        loss: Any = None,
        metrics: Sequence[Any] | None = None,
        batch_size: int | None = None,
        lengths: Any = None,
    ) -> Result:
        """Loss, metrics and confusion matrix on data, outside training. Arguments as for `fit`.

        A network that learned from texts takes a list of them too: `net.predict(["Schmidt", "Rossi"])`.

        loss         by default the one that `fit` was called with
        batch_size   by default 256; of a source whose examples have lengths 32

        result.loss, result.accuracy, result.confusion_matrix; result["accuracy"] as well.
        """
        from klarnet.training.evaluation import evaluate
        from klarnet.training.feed import Feed

        feed = Feed(data_or_X, t, lengths=lengths, name="evaluate")
        return evaluate(
            self,
            feed,
            loss=self._usual_loss() if loss is None else loss,
            metrics=metrics,
            batch_size=batch_size,
        )

    def predict(self, X: Any, *, batch_size: int | None = None, lengths: Any = None) -> Any:
        """The outputs for X (n, …), computed in batches and scaled as in training: the caller's own array.

        X may be a `kn.data.Source` too: the outputs come in the order of its examples. Of `kn.data.Sequences` and other
        examples with lengths, an output with steps is a list of n arrays (t_i, k), each as long as its example.

        batch_size   by default 256; of a source whose examples have lengths 32
        """
        from klarnet.training.evaluation import predict

        return predict(self, X, batch_size=batch_size, lengths=lengths)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write architecture, class names, scaling and weights into one file, whole or not at all."""
        from klarnet.network.files import save_network

        save_network(self, path)

    def copy(self, dtype: Any = None) -> Network:
        """The same network with weights of its own, in another floating type if wanted."""
        from klarnet.network.files import copy_network

        return copy_network(self, Network, dtype)  # type: ignore[return-value]

    def trace(self, X: Any, t: Any, *, loss: Any = None, lengths: Any = None, training: bool = True) -> Trace:
        """One step in the open: every Y, dY and dW by the layer's name, for looking at.

            trace = net.trace(X, t)
            print(trace)                                # shapes, means, spreads, shares of zeros, norms
            trace["conv2d_1"].dW["F"]                   # the gradient of its filters

        X, t, loss, lengths   as for `fit`; X is one batch
        training              dropout, noise and batch norm act as in training

        Weights, running values, and what `forward` and `backward` keep stay as they are. Raises as a step does.
        """
        from klarnet.training.trace import trace

        return trace(
            self,
            X,
            t,
            loss=self._usual_loss() if loss is None else loss,
            lengths=lengths,
            training=training,
        )

    def load_weights(
        self, source: str | os.PathLike[str] | BaseNetwork, *, match: Any = "name", strict: bool = False
    ) -> LoadReport:
        """Start from the weights of another network, where they fit; returns a report of what was taken and what not.

            print(net.load_weights("runs/digits"))
            net.load_weights(old, match=["conv2d_*", "batch_norm_*"])

        source   a file of `net.save` or a checkpoint, the folder of a run (its best weights), or a network
        match    "name": weights of the same name and shape
                 "shape": layers of the same shapes in the same order, whatever their names
                 a pattern of layers or weights or a list of them: by name, and these only
        strict   every weight that is asked for must get a value

        A layer is taken whole or not at all. Running values (batch norm) travel with their layer, the optimizer's
        moments do not: in a training under way they begin anew for what was loaded. Input scaling travels unless this
        network has its own, class names if nothing is new. What is frozen here stays frozen.
        Raises ValueError if nothing fits, for NaN or infinity, and with strict=True if a weight is missing or of
        another shape; FileNotFoundError for no file. Nothing is changed then. Course: pre-training.
        """
        from klarnet.network.transfer import load_weights

        return load_weights(self, source, match=match, strict=strict)

    def with_new_head(
        self,
        head: Sequence[Layer],
        *,
        after: str | None = None,
        seed: int | None = None,
        class_names: Sequence[str] | None = None,
    ) -> Network:
        """A new network: this one without its last layers, with its weights, and `head` behind it.

            net = old.with_new_head([kn.Dense(5), kn.Softmax()])

        head          layers, as in a network's list; they get names that this network does not use
        after         the node that the head follows; by default the input of the last layer with a weight matrix
        seed          of the head's first weights and of the training, by default this network's
        class_names   of the new classes; fit takes them from its data

        What is frozen stays frozen, input scaling stays, and so does this network. Raises ValueError for a name that
        is not there or is taken, for shapes that do not fit, and for several outputs. Course: transfer learning.
        """
        from klarnet.network.head import with_new_head

        return with_new_head(  # type: ignore[return-value]
            self, head, Network, after=after, seed=seed, class_names=class_names
        )

    def with_classes(self, class_names: Sequence[str]) -> Network:
        """A new network: this one with further classes, the old ones with their weights bit for bit.

            alphabet = kn.data.Alphabet.of_classes(net.class_names).grown(new.texts)
            net = net.with_classes(alphabet.class_names)

        class_names   this network's in their order, new ones behind them

        The last Dense layer gets units with fresh weights for the new classes. Raises ValueError where the names are
        not those, and where another layer gives the answer (`with_new_head`). Course: transfer learning.
        """
        from klarnet.network.head import with_classes

        return with_classes(self, class_names, Network)  # type: ignore[return-value]

    def freeze_for_inference(self, batch_size: int = 1) -> Frozen:
        """`f = net.freeze_for_inference(); f(X)`: a thin call for batches of one size, safe in several threads.

        The network as it is now: batch norm is folded into the layer before it, dropout is gone.
        """
        from klarnet.network.inference import Frozen

        return Frozen(self, batch_size)

    def summary(
        self,
        *,
        batch_size: int | None = None,
        training: bool = False,
        loss: Any = None,
        optimizer: Any = "adam",
        steps: int = 128,
    ) -> Summary:
        """Layers, output shapes and parameters; with a batch size also what the plan of a step says.

        batch_size   adds multiply-adds, the bytes of the plan and what was joined
        training     of a whole training step, with this loss and optimizer; else of a forward pass
        steps        stands for sizes that vary, such as the width of a line
        """
        from klarnet.network.execution import Execution, Wanted, heads
        from klarnet.network.summary import add_plan, concrete, summarise
        from klarnet.network.update import OptimizerState
        from klarnet.optimizers import optimizer as find_optimizer
        from klarnet.training.trainer import losses_by_output

        summary = summarise(self)
        if batch_size is None:
            return summary
        batch_size, steps = positive("summary", "batch_size", batch_size), positive("summary", "steps", steps)
        shapes = tuple(concrete(v, batch_size, steps) for v in self.inputs)
        spans = any(v.lengths for v in self.inputs)
        if not training:
            execution = Execution(self, (), Wanted(shapes, {}, lengths=spans, outputs=True), self.state)
            return add_plan(
                summary, self, execution.plan, batch_size=batch_size, training=False, optimizer_bytes=0
            )
        losses = losses_by_output(self, self.default_loss() if loss is None else loss)
        moments = OptimizerState(self.weights, find_optimizer(optimizer))
        targets = {name: one.example_targets(self.shape_behind(name, shapes)) for name, one in losses.items()}
        execution = Execution(
            self, heads(self, losses, {}), Wanted(shapes, targets, True, spans, False, moments), self.state
        )
        return add_plan(
            summary,
            self,
            execution.plan,
            batch_size=batch_size,
            training=True,
            optimizer_bytes=moments.buffer.nbytes,
        )

    def shape_behind(self, output: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        from klarnet.training.targets import output_shape

        return output_shape(self, self.outputs[output].number, shapes)

    def _usual_loss(self) -> Any:
        """The loss that `fit` was last called with, or the one that fits the last layers."""
        return self.default_loss() if self._learned_by is None else self._learned_by

    def default_loss(self) -> Any:
        """The loss that fits each output's last layer."""
        chosen: dict[str, str | Loss] = {}
        for name, v in self.outputs.items():
            chosen[name] = (
                "cross_entropy"
                if isinstance(v.layer, Softmax)
                else "binary_cross_entropy"
                if isinstance(v.layer, Sigmoid)
                else "squared_error"
            )
        return next(iter(chosen.values())) if len(chosen) == 1 else chosen

    def _split(self, data: Any, t: Any, validation: Any, lengths: Any, seed: int) -> tuple[Feed, Feed | None]:
        from klarnet.training.feed import Feed

        train = Feed(data, t, lengths=lengths, name="fit")
        self._learn_about(train)
        if validation is None:
            return train, None
        if isinstance(validation, Real) and not isinstance(validation, bool):
            share = float(validation)
            if not 0.0 < share < 1.0:
                raise ValueError(f"fit: validation {validation!r}, expected a share between 0 and 1, or data")
            split = getattr(train.source, "split", None)
            if split is None:
                raise ValueError(
                    "fit: validation as a share needs arrays or a Dataset; give the validation data itself"
                )
            kept, held_out = split(1.0 - share, share, seed=seed)
            return Feed(kept, name="fit"), Feed(held_out, name="validation")
        return train, Feed(validation, name="validation")

    def _learn_about(self, train: Feed) -> None:
        """Take class names, scaling and encoding from the data, where the network has none yet."""
        source, outline = train.source, train.outline()
        if source is None or outline is None:
            return
        if self.class_names is None and source.class_names is not None:
            self.class_names = source.class_names
        if self.scaling is None and source.scaling is not None:
            self.scaling = InputScaling(source.scaling.factor, source.scaling.offset, str(outline[0].dtype))
        if self.encoding is None and source.encoding is not None:
            self.encoding = source.encoding.settings()


def load(path: str | os.PathLike[str], *, layers: Sequence[type[Layer]] = ()) -> Network:
    """The network in a file that `net.save` or a checkpoint wrote; nothing in the file is run as code.

    layers   classes of your own layers that the file names (those already imported are found by themselves)
    Raises FileNotFoundError, or ValueError naming the file where it is cut off or of another kind.
    """
    from klarnet.network.files import fill, read, rebuild, weights_in

    arrays, about = read(path)
    net = rebuild(about, path, layers, Network)
    fill(net, weights_in(arrays), path)
    return net  # type: ignore[return-value]
