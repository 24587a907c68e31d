"""Recipes as files: read with every error at its place, changed by options, written out in full."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path as File
from typing import Any

import msgspec

from klarnet.names import unknown
from klarnet.network.files import write_atomically

from .lines import Path, lines_of
from .origin import Origin, shown
from .parts import check
from .recipe import Recipe, Regularisation, Training, Transfer
from .tables import checked, fields_of

BUILT_IN = File(__file__).with_name("built_in")

# Settings that name a file or folder.
_FILES = ("path", "t_path", "validation_path", "validation_t_path", "test_path", "test_t_path")
PATHS = (("transfer", "weights"), *(("data", name) for name in _FILES))

Options = Iterable[tuple[Path, Any, str]]  # what is set, to what, and the option's name for error messages


class UnknownRecipeError(ValueError):
    """No recipe has that name."""


def built_in() -> list[str]:
    """The names of the recipes that come with klarnet, the simplest first."""
    order = ["digits", "mnist", "cifar", "csv", "names", "sentences", "characters"]
    return sorted(
        (f.stem for f in BUILT_IN.glob("*.toml")), key=lambda n: (order.index(n) if n in order else 99, n)
    )


def built_in_text(name: str) -> str:
    """A built-in recipe as it stands in its file, comments and all. Raises UnknownRecipeError with the nearest name."""
    if name not in built_in():
        raise UnknownRecipeError(str(unknown("recipe", name, built_in())))
    return (BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")


def find_recipe(what: str | os.PathLike[str], options: Options = ()) -> Recipe:
    """The recipe in a file or a run folder, or the built-in one of that name, with these settings changed.

    Raises UnknownRecipeError where there is none, ValueError with file and line for what does not fit in it.
    """
    name = str(what)
    if name in built_in():
        return parse(built_in_text(name), name, name, options)
    path = File(what)
    if path.is_dir():
        path = path / "recipe.toml"
    if not path.is_file():
        if path.suffix == ".toml" or len(path.parts) > 1:
            raise FileNotFoundError(
                f"{path}: no such file; a recipe is a TOML file, a run folder or a built-in name"
            )
        raise UnknownRecipeError(str(unknown("recipe", name, built_in())))
    return read_recipe(path, options)


def read_recipe(path: str | os.PathLike[str], options: Options = ()) -> Recipe:
    """The recipe in a TOML file. Paths in it are meant from the folder that it lies in.

    Raises ValueError that begins with file and line.
    """
    path = File(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: byte {error.start} is no UTF-8; a recipe is a TOML text") from None
    return parse(text, str(path), path.stem, options, path.parent)


def parse(text: str, file: str, name: str, options: Options = (), folder: File | None = None) -> Recipe:
    """The recipe in a text, checked as far as that needs no data. `file` begins the error messages."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        place = f"{file}:{found[1]}" if found else file
        text = str(error)[: found.start()] if found else str(error)
        raise ValueError(f"{place}: no valid TOML: {text[:1].lower()}{text[1:]}") from None
    origin = Origin(file, lines_of(text))
    if folder is not None:
        for name_of_table, key in PATHS:
            table = tables.get(name_of_table)
            if isinstance(table, dict) and isinstance(table.get(key), str):
                table[key] = os.path.abspath(os.path.join(folder, os.path.expanduser(table[key])))
    for path, value, option in options:
        origin.options[put(tables, path, value, option)] = option
    recipe = _structured(tables, origin)
    recipe.name = recipe.name or name
    check(recipe)
    return recipe


def changed(recipe: Recipe, options: Options) -> Recipe:
    """The same recipe with these settings changed, checked again."""
    tables = _without_nothing(msgspec.to_builtins(recipe))
    origin = Origin(recipe.origin.name, recipe.origin.lines, dict(recipe.origin.options))
    for path, value, option in options:
        origin.options[put(tables, path, value, option)] = option
    found = _structured(tables, origin)
    check(found)
    return found


def put(tables: dict[str, Any], path: Path, value: Any, option: str) -> Path:
    """Set one value in a recipe's tables; numbers in the path count the elements of a list. Returns the path.

    Raises ValueError where the path goes through what holds nothing.
    """
    place: Any = tables
    gone: Path = ()
    for i, part in enumerate(path):
        last = i == len(path) - 1
        if isinstance(place, list):
            number = int(part) if isinstance(part, int) or part.isdigit() else -1
            if not 0 <= number < len(place):
                here = shown(path[:i])
                raise ValueError(f"{option}: {here} has the elements 0 to {len(place) - 1}, got {part!r}")
            part = number
        elif not isinstance(place, dict):
            raise ValueError(f"{option}: {shown(path[:i])} is {place!r} and holds no setting {part!r}")
        gone = (*gone, part)
        if last:
            place[part] = value
        else:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place[part]
    return gone


def set_option(text: str) -> tuple[Path, Any, str]:
    """`training.epochs=3` of the option --set as path, value and place. The value is TOML; a plain word is text.

    Raises ValueError for what is no setting.
    """
    option = f"--set {text}"
    key, mark, value = text.partition("=")
    if not mark or not key.strip():
        raise ValueError(f"{option}: expected a setting and its value, such as training.epochs=3")
    if re.fullmatch(r"[A-Za-z_][\w./-]*", value.strip()) and value.strip() not in (
        "true",
        "false",
        "inf",
        "nan",
    ):
        value = f'"{value.strip()}"'
    try:
        found: Any = tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        raise ValueError(
            f'{option}: expected a TOML value behind =, such as 3, 1e-3, true, [16, 32] or "text"'
        ) from None
    path: list[str] = []
    while isinstance(found, dict) and len(found) == 1 and len(path) < key.count(".") + 1:
        name, found = next(iter(found.items()))
        path.append(name)
    return tuple(path), found, f"--set {key.strip()}"


def as_tables(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain tables, without what says nothing."""
    given = _without_nothing(msgspec.to_builtins(recipe))
    return {k: v for k, v in given.items() if v not in ({}, [], "")}


def as_toml(recipe: Recipe) -> str:
    """A recipe as TOML text; lists of numbers stand on one line."""
    text = msgspec.toml.encode(as_tables(recipe)).decode()
    return re.sub(
        r"\[\n((?: +[\w.+-]+,\n)+) *\]", lambda m: f"[{', '.join(m[1].replace(',', ' ').split())}]", text
    )


def flat(recipe: Recipe) -> dict[str, Any]:
    """Every setting of a recipe by its path, `training.epochs`, as a report lists them."""
    found: dict[str, Any] = {}

    def walk(value: Any, path: Path) -> None:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if _tables(value) else ()
        for key, one in inner:
            walk(one, (*path, key))
        if not inner:
            found[shown(path)] = value

    walk(as_tables(recipe), ())
    return found


def _tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def write_recipe(path: File, recipe: Recipe, *, changed: bool = False) -> None:
    """Write the resolved recipe of a run, whole or not at all. changed: it is one that the run did not begin with."""
    head = "# The recipe of this run, every setting said. `klarnet train` with this file does the same again."
    if changed:
        head = "# The recipe of this run as it was last resumed, every setting said; it began with other settings."
    write_atomically(path, f"{head}\n\n{as_toml(recipe)}".encode())


def _structured(tables: Mapping[str, Any], origin: Origin) -> Recipe:
    """Tables as a `Recipe`; names and types are checked with their places."""
    given = dict(tables)
    parts: dict[str, Any] = {"training": Training, "regularisation": Regularisation, "transfer": Transfer}
    inner: dict[str, Any] = {}
    for key, struct in parts.items():
        table = given.pop(key, {})
        if not isinstance(table, dict):
            raise origin.error((key,), f"{key} {table!r}, expected a table [{key}]")
        inner[key] = struct(**checked(table, (key,), fields_of(struct), origin))
    fields = fields_of(Recipe)
    for key, value in checked({**given, **{k: {} for k in parts if k in tables}}, (), fields, origin).items():
        if key not in parts:
            inner[key] = list(value) if isinstance(value, tuple) else value
    recipe = Recipe(**inner)
    recipe.origin = origin
    return recipe


def _without_nothing(value: Any) -> Any:
    """The same without what is None, which TOML cannot say."""
    if isinstance(value, dict):
        return {k: _without_nothing(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nothing(v) for v in value]
    return value
