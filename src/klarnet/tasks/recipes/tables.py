"""Tables of a recipe held against what they may hold: a struct's fields, or the settings of a class or function.

A table that names a *kind*, as `[optimizer] kind = "adam"`, gives the arguments of that class: its keys are those of
the constructor, their types the annotations there. So a new layer or optimizer can stand in a recipe at once.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from klarnet.names import unknown

from .lines import Path
from .origin import Origin, shown

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "",
}


class Field(typing.NamedTuple):
    """One setting: its type, and its value where nothing is said (`inspect.Parameter.empty`: it must be said)."""

    type: Any
    default: Any


def fields_of(of: Any, hidden: tuple[str, ...] = ()) -> dict[str, Field]:
    """The settings of a msgspec struct, a class or a function, without those that are not a recipe's business."""
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return {f.name: Field(f.type, _default(f)) for f in msgspec.structs.fields(of)}
    function: Any = getattr(of, "__init__") if isinstance(of, type) else of  # noqa: B009
    try:
        types = typing.get_type_hints(function)
    except NameError:  # a type that only type checkers load
        types = {}
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: Field(types.get(name, Any), p.default)
        for name, p in inspect.signature(function).parameters.items()
        if p.kind in plain and name not in ("self", *hidden)
    }


def _default(f: Any) -> Any:
    """The default of a struct's field."""
    if f.default_factory is not msgspec.NODEFAULT:
        return f.default_factory()
    return inspect.Parameter.empty if f.default is msgspec.NODEFAULT else f.default


def checked(
    table: Mapping[str, Any], path: Path, fields: Mapping[str, Field], origin: Origin
) -> dict[str, Any]:
    """The settings of a table, each of its type. Raises ValueError that begins with the place: for a key that does not
    exist (with the nearest that does), for a value of another type, and for one that is missing."""
    for key in table:
        if key not in fields:
            what = f"[{shown(path)}]: setting" if path else "setting"
            raise origin.error((*path, key), f"{what} {str(unknown('', key, fields)).lstrip()}")
    given = {key: value_of(value, (*path, key), fields[key].type, origin) for key, value in table.items()}
    for key, f in fields.items():
        if key not in table and f.default is inspect.Parameter.empty:
            raise origin.error(path, f"{shown((*path, key))} is missing, expected {words_of(f.type)}")
    return given


def value_of(value: Any, path: Path, type_: Any, origin: Origin) -> Any:
    """One value as a type wants it: whole numbers serve as numbers, lists become tuples."""
    try:
        given = msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        inner = tuple(int(i) if i else k for i, k in re.findall(r"\[(\d+)\]|\.(\w+)", place))
        for part in inner:
            value = value[part]
        path = (*path, *inner)
        choices = _choices(type_)
        if choices and not inner:
            raise origin.error(path, str(unknown(shown(path), value, choices))) from None
        raise origin.error(path, f"{shown(path)} {_short(value)}, expected {_expected(text)}") from None
    except TypeError:  # a type that msgspec does not know; the constructor will say what it thinks of it
        given = value
    return _tuples(given)


def words_of(type_: Any) -> str:
    """A type in words, as an error message says it."""
    choices = _choices(type_)
    if choices:
        return "one of " + ", ".join(choices)
    try:
        msgspec.convert(object(), type_)
    except msgspec.ValidationError as error:
        return _expected(str(error))
    except TypeError:
        pass
    return "a value"


def _choices(type_: Any) -> tuple[str, ...]:
    """The words of a Literal, also where it may be missing."""
    if typing.get_origin(type_) is typing.Literal:
        return typing.get_args(type_)
    parts = [t for t in typing.get_args(type_) if t is not type(None)]
    return _choices(parts[0]) if len(parts) == 1 else ()


def kind_of(
    table: Mapping[str, Any], path: Path, known: Mapping[str, Any], origin: Origin, key: str = "kind"
) -> Any:
    """What the `kind` of a table names. Raises ValueError with the place and the nearest valid name."""
    if key not in table:
        raise origin.error(path, f"{shown((*path, key))} is missing, expected one of {', '.join(known)}")
    if not isinstance(table[key], str) or table[key] not in known:
        raise origin.error((*path, key), str(unknown(shown((*path, key)), table[key], known)))
    return known[table[key]]


def settings_of(
    table: Mapping[str, Any],
    path: Path,
    of: Any,
    origin: Origin,
    *,
    key: str = "kind",
    hidden: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The arguments that a table gives to the class or function its kind names."""
    rest = {k: v for k, v in table.items() if k != key}
    return checked(rest, path, fields_of(of, hidden), origin)


def made(
    table: Mapping[str, Any], path: Path, known: Mapping[str, Any], origin: Origin, *, key: str = "kind"
) -> Any:
    """The object that a table describes: a layer, a loss, an optimizer. Raises ValueError with the place."""
    of = kind_of(table, path, known, origin, key)
    settings = settings_of(table, path, of, origin, key=key)
    for name, value in settings.items():
        if isinstance(value, dict) and key in value:  # as the schedule that follows a warm-up
            settings[name] = made(value, (*path, name), known, origin, key=key)
    return at(path, origin, lambda: of(**settings))


def at(path: Path, origin: Origin, make: Callable[[], Any]) -> Any:
    """What `make` gives; what it refuses is refused with the place of the table."""
    try:
        return make()
    except (ValueError, TypeError) as error:
        raise origin.error(path, f"[{shown(path)}]: {error}") from None


def with_defaults(
    table: Mapping[str, Any], of: Any, *, key: str = "kind", hidden: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The table with every setting that has a value of its own, so that it says the same in a later version."""
    found = {key: table[key]} if key in table else {}
    for name, f in fields_of(of, hidden).items():
        value = table.get(name, f.default)
        if value is not None and value is not inspect.Parameter.empty:
            found[name] = value
    return found


def _expected(message: str) -> str:
    """msgspec's complaint in the words of a recipe."""
    found = re.match(r"Expected `(.+?)`(?: (>=|>|<=|<) ([^ ,]+)| of length (\S+?))?(?:,|$)", message)
    if not found:
        return message[:1].lower() + message[1:]
    names = [_WORDS.get(word.strip(), word.strip()) for word in found[1].split("|")]
    text = " or ".join(name for name in names if name)
    if found[4]:
        return f"{text} of {found[4]}"
    bound = {">=": "{} or more", ">": "above {}", "<=": "at most {}", "<": "below {}"}.get(found[2], "")
    return f"{text}, {bound.format(found[3].removesuffix('.0'))}" if bound else text


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
