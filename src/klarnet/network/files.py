"""A network in one file: the architecture as JSON in the header, the weights as safetensors. Never pickle.

The header (safetensors metadata, key "klarnet") holds format, layers with their settings, who feeds whom, class
names, input scaling and the seed, so the file opens in any safetensors viewer and loads without running code. The key
"sha256" holds a checksum over all of it and the arrays. What belongs to a training has a colon in its name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.layers import LAYERS, Input, Layer, Node

from .network import BaseNetwork
from .scaling import InputScaling

FORMAT = 1
PART = ".part"  # ends the name of a file that is being written


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that at any moment the old or the new one is there whole: a temporary file, then a rename.

    On a full disk or any other error the former file stays untouched and nothing half-written is left behind.
    """
    import tempfile  # here and below: imported where files are written or read, so that a network costs less to start

    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{target}: is a folder, expected the name of a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=PART)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            what = f"{error.strerror or error}; {len(data):,} bytes were not written, what was there before stays"
            raise OSError(error.errno, what, str(target)) from None
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def to_bytes(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> bytes:
    """The bytes of a file: arrays in C order, and what is known about them as JSON."""
    import json

    from safetensors.numpy import save

    straight = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    text = json.dumps(about, default=_plain)
    return _in_order(save(straight, metadata={"klarnet": text, "sha256": _checksum(text, straight)}))


def _in_order(data: bytes) -> bytes:
    """The same file with its metadata in order of their names: safetensors writes them in any, other each time."""
    import json

    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(data)[end:]))


def _checksum(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over what the header says and every array: name, type, shape and bytes."""
    from hashlib import sha256

    found = sha256(text.encode())
    for name in sorted(arrays):
        a = arrays[name]
        found.update(f"{name} {a.dtype.str} {a.shape}".encode())
        found.update(a.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def weights_in(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a file that are weights, without what a training has left with them."""
    return {name: a for name, a in arrays.items() if ":" not in name}


def _plain(value: Any) -> Any:
    """What JSON does not know: NumPy numbers and arrays."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"a setting of type {type(value).__name__} cannot be written to a file: {value!r}")


def read(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and what is known about them. Raises ValueError naming the file when it is cut off, was changed after it
    was written, or is no klarnet file."""
    import json

    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = Path(path).read_bytes()
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        arrays = load(data)
    except (SafetensorError, ValueError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: not a whole safetensors file ({len(data)} bytes): cut off, or of another kind "
            f"({str(error)[:100]})"
        ) from None
    metadata = header.get("__metadata__", {})
    about = metadata.get("klarnet")
    if about is None:
        raise ValueError(
            f"{path}: a safetensors file, but not one written by klarnet (no architecture in its header)"
        )
    if metadata.get("sha256", checksum := _checksum(about, arrays)) != checksum:
        raise ValueError(f"{path}: damaged, or changed after it was written: its checksum does not fit")
    return arrays, json.loads(about)


def architecture(net: BaseNetwork) -> dict[str, Any]:
    """The network without its weights: layers, settings, edges, shapes, names."""
    layers: dict[str, Any] = {}
    vertices = []
    for v in net.graph.vertices:
        if v.layer is None:
            vertices.append({"input": v.name, "shape": list(v.shape), "lengths": v.lengths, "dtype": v.dtype})
            continue
        vertices.append({"layer": v.key, "from": v.inputs, "listed": v.listed})
        layers.setdefault(v.key, {"kind": type(v.layer).__name__, **_settings(v.key, v.layer)})
    return {
        "format": FORMAT,
        "layers": layers,
        "vertices": vertices,
        "inputs": net.graph.inputs,
        "outputs": net.graph.outputs,
        "seed": net.seed,
        "dtype": str(net.dtype),
        "class_names": net.class_names,
        "scaling": net.scaling.settings() if net.scaling else None,
        "encoding": net.encoding,
        "frozen": list(net.weights.frozen),
    }


def _settings(name: str, layer: Layer) -> dict[str, Any]:
    found = {}
    for key, value in layer.settings().items():
        if key in ("name", "activation") and not (key == "activation" and layer.activation_inside):
            continue  # the activation is a vertex of its own
        if isinstance(value, Layer):
            raise TypeError(
                f"{name}: the setting {key} is a layer, which a file cannot hold; give its name instead"
            )
        found[key] = value
    return found


def nodes_of(about: Mapping[str, Any], path: Any, layers: Sequence[type[Layer]]) -> list[Node]:
    """The nodes of the graph an architecture describes, of new layers with the old names."""
    if about.get("format") != FORMAT:
        raise ValueError(f"{path}: file format {about.get('format')!r}, this klarnet reads {FORMAT}")
    known = {**LAYERS, **{c.__name__: c for c in layers}}
    made: dict[str, Layer] = {}
    for name, given in about["layers"].items():
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k != "kind"}
        cls = known.get(given["kind"])
        if cls is None:
            raise ValueError(
                f"{path}: the layer {name} is a {given['kind']}, which klarnet does not know; for a layer "
                "of your own import its module first, or give layers=[…]"
            )
        try:
            made[name] = cls(**settings)  # type: ignore[arg-type]
        except TypeError as error:
            raise ValueError(f"{path}: {name}: {error}") from None
        object.__setattr__(made[name], "name", name)
    nodes: list[Node] = []
    for v in about["vertices"]:
        if "input" in v:
            nodes.append(Input(v["shape"], lengths=v["lengths"], dtype=v["dtype"], name=v["input"]))
        else:
            nodes.append(Node(made[v["layer"]], [nodes[i] for i in v["from"]], v["listed"]))
    return nodes


def rebuild(
    about: Mapping[str, Any], path: Any, layers: Sequence[type[Layer]], kind: type[BaseNetwork]
) -> BaseNetwork:
    """The network an architecture describes, with fresh weights."""
    nodes = nodes_of(about, path, layers)
    scaling = InputScaling(**about["scaling"]) if about["scaling"] else None
    net = kind(
        inputs=[nodes[i] for i in about["inputs"]],
        outputs={k: nodes[i] for k, i in about["outputs"].items()},
        seed=about["seed"],
        dtype=about["dtype"],
        class_names=about["class_names"],
        scaling=scaling,
    )
    net.encoding = about.get("encoding")
    for name in about.get("frozen", ()):
        net.weights.slots[name].frozen = True
    return net


def save_network(net: BaseNetwork, path: str | os.PathLike[str]) -> None:
    """Architecture, class names, scaling and weights in one file, written whole or not at all."""
    write_atomically(path, to_bytes(dict(net.weights.items()), architecture(net)))


def copy_network(net: BaseNetwork, kind: type[BaseNetwork], dtype: Any = None) -> BaseNetwork:
    """The same network with weights of its own, in another floating type if wanted."""
    about = architecture(net)
    about["dtype"] = str(np.dtype(dtype)) if dtype is not None else about["dtype"]
    layers = [type(v.layer) for v in net.graph.vertices if v.layer is not None]
    twin = rebuild(about, "copy", layers, kind)
    fill(twin, {name: a.astype(twin.dtype) for name, a in net.weights.items()}, "copy")
    return twin


def fill(net: BaseNetwork, arrays: Mapping[str, np.ndarray], path: Any) -> None:
    """Put saved weights into a network. Raises ValueError where names or shapes differ; then nothing was changed."""
    missing = [n for n in net.weights if n not in arrays]
    extra = sorted(n for n in arrays if n not in net.weights)
    if missing or extra:
        raise ValueError(
            f"{path}: weights do not match the network; missing {missing or 'none'}, unknown {extra or 'none'}"
        )
    for name, weight in net.weights.items():
        if weight.shape != arrays[name].shape:
            raise ValueError(
                f"{path}: {name} has shape {arrays[name].shape}, the network expects {weight.shape}"
            )
    for name, value in arrays.items():
        net.weights[name][...] = value
