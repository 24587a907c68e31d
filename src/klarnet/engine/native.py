"""The native engine: loads the compiled library and hands it records. The only file that knows ctypes."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from typing import Any
from weakref import finalize

import numpy as np

from . import pages
from .context import State
from .generate import abi
from .records import encode
from .row import Function, Parameter
from .table import FUNCTIONS
from .trace import DTYPES, shapes_of

_NAMES = ("libklarnet.so", "libklarnet.dylib", "klarnet.dll")
_WHY: list[str] = []


class Job(ctypes.Structure):
    """One entry into the library: the words of a plan from `first` to `last`, its buffers and the state block; `keep`
    (a `Keep`, or nothing) and the number of the buffer whose contents it may rest on."""

    _fields_ = [
        ("words", ctypes.c_void_p),
        ("first", ctypes.c_int64),
        ("last", ctypes.c_int64),
        ("bases", ctypes.c_void_p),
        ("state", ctypes.c_void_p),
        ("keep", ctypes.c_void_p),
        ("constant", ctypes.c_int64),
    ]


class Keep:
    """Where the library keeps packed weights from run to run, as long as this lives."""

    def __init__(self) -> None:
        lib = library()
        self.handle = lib.kn_make_keep() if lib is not None else None
        if self.handle is not None:
            finalize(self, lib.kn_free_keep, self.handle)


@cache
def library() -> Any:
    """The loaded library, or None; `why_not()` then says why. Loaded once, at the first use of the engine."""
    folder = os.environ.get("KLARNET_LIBRARY", os.path.dirname(__file__))
    places = [folder, *(os.path.join(folder, name) for name in _NAMES)]
    path = next((place for place in places if os.path.isfile(place)), None)
    if path is None:
        _WHY.append("no compiled library beside the package (was it installed without a C++ compiler?)")
        return None
    try:
        lib = ctypes.CDLL(path)  # CDLL: the GIL is dropped while the engine works
        lib.kn_abi.restype = ctypes.c_uint32
        came = lib.kn_abi()
    except (OSError, AttributeError) as error:
        _WHY.append(f"{os.path.basename(path)}: {error}")
        return None
    if came != abi():
        _WHY.append(
            f"{os.path.basename(path)} was built for another version of klarnet (ABI {came}, expected {abi()}); "
            "install the package anew"
        )
        return None
    lib.kn_run.restype, lib.kn_run.argtypes = ctypes.c_int64, [ctypes.POINTER(Job)]
    lib.kn_missing.restype = ctypes.c_int
    lib.kn_make_keep.restype, lib.kn_free_keep.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    lib.kn_free_keep.restype = None
    lib.kn_isa.restype = lib.kn_isas.restype = ctypes.c_char_p
    lib.kn_set_isa.argtypes = [ctypes.c_char_p]
    lib.kn_peak.restype, lib.kn_peak.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_int]
    asked = os.environ.get("KLARNET_THREADS")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"KLARNET_THREADS is {asked!r}, expected a whole number above 0")
        lib.kn_set_threads(int(asked))
    return lib


def why_not() -> str:
    """Why the library could not be loaded, in one line."""
    library()
    return _WHY[0] if _WHY else ""


@cache
def has(name: str) -> bool:
    """Does the library hold a native form of this function? (All of them, unless it was built in part.)"""
    lib = library()
    return lib is not None and not lib.kn_missing(FUNCTIONS[name].number)


REASONS = {
    1: "label {value} at position {where} is out of range",
    2: "index {value} at position {where} is out of range",
    3: "the loss is not a finite number",
    4: "length {value} at position {where} is out of range",
    5: "not enough memory for the work space",
    7: "the norm of the gradients is not a finite number",
}


def refusal(name: str, state: State) -> pages.Refused:
    """What the state block says after a run that stopped."""
    reason = REASONS.get(state.status, f"status {state.status}").format(value=state.value, where=state.where)
    state.status = 0
    return pages.Refused(f"{name}: {reason}")


def _address(array: np.ndarray) -> int:
    return int(array.ctypes.data) if array.size else 0


def call(function: Function, arrays: Sequence[Any], scalars: dict[str, Any], state: State) -> tuple[Any, ...]:
    """One eager call: the same record as in a plan, with absolute addresses. Float32; the page where no kernel is."""
    if not has(function.name):
        _notice(function.name)
        return pages.run(function, arrays, scalars, state)
    sizes, shapes = function.derive(shapes_of(arrays), scalars)
    ready = [
        None
        if a is None
        else tuple(_straight(function, p, x) for x in a)
        if p.many
        else _straight(function, p, a)
        for p, a in zip(function.inputs, arrays, strict=True)
    ]
    outputs: list[Any] = []
    for p, shape in zip(function.outputs, shapes, strict=True):
        kind = DTYPES.get(p.kind, np.dtype(np.float32))
        outputs.append(tuple(np.empty(s, kind) for s in shape) if p.many else np.empty(shape, kind))
    words = np.array(encode(function, ready, outputs, scalars, sizes, _address), np.int64)
    job = Job(words.ctypes.data, 0, len(words), None, ctypes.addressof(state))
    if library().kn_run(ctypes.byref(job)) != -1:
        raise refusal(function.name, state)
    for p, given, used in zip(function.inputs, arrays, ready, strict=True):
        if p.updated and given is not used:
            given[...] = used
    return tuple(outputs)


def _straight(function: Function, p: Parameter, array: Any) -> np.ndarray:
    """The array as the library reads it: C order, its own type. TypeError where whole numbers would be changed."""
    wanted = DTYPES.get(p.kind, np.dtype(np.float32))
    if p.updated and not array.flags.writeable:
        raise ValueError(f"{function.name}: {p.name} is updated in place, but the array given is read-only")
    if p.kind != "float" and array.size and not np.can_cast(array.dtype, wanted):
        least, most = array.min(), array.max()
        if array.dtype.kind not in "iu" or least < np.iinfo(wanted).min or most > np.iinfo(wanted).max:
            raise TypeError(
                f"{function.name}: {p.name} holds {least} … {most} as {array.dtype}, expected numbers of type {wanted}"
            )
    return np.ascontiguousarray(array, wanted)


@cache
def _notice(name: str) -> None:
    import warnings

    warnings.warn(f"klarnet: {name} has no native form in this build, its formula is used", stacklevel=3)


def set_threads(count: int) -> None:
    lib = library()
    if lib is not None:
        lib.kn_set_threads(count)


def threads() -> int:
    lib = library()
    return int(lib.kn_threads()) if lib is not None else 1
