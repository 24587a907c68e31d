"""Writes what follows from the table: the C header that the native engine is built with, and the type stubs.

The header has one structure a row. A record of a plan, its addresses filled in, IS that structure, so no function
needs glue of its own:

    inputs, outputs (pointers) | sizes in the order of the letters (int64) | scalars (int64 or double)
    | `add`: bit i set = the i-th output is added to (rows with a `+` output) | `count` and entries (see below)

Entries end the record of a carrier (the finishing steps: code, operand, scalars) and of a row with any number of
arrays (address and last size of each). Imports the standard library only: the build runs it.
"""

from __future__ import annotations

import zlib

try:
    from klarnet.engine.row import Function, Parameter
    from klarnet.engine.table import FUNCTIONS
except ImportError:  # run by the build, where the package does not exist yet
    from row import Function, Parameter  # type: ignore[import-not-found,no-redef]
    from table import FUNCTIONS  # type: ignore[import-not-found,no-redef]

_C_TYPES = {"float": "float", "int": "int32_t", "short": "uint16_t", "double": "double"}
_WIDTH = 110  # of a line of the stubs
LAYOUT = 3  # raise it when records or the state block change form


def abi() -> int:
    """A number that changes with the table or the form of the records: library and package must agree on it."""
    text = "\n".join(f"{f.name} {f.text} {f.finish} {f.step}" for f in FUNCTIONS.values())
    return zlib.crc32(text.encode()) ^ (LAYOUT << 8)


def _pointer(p: Parameter, output: bool) -> str:
    constant = "" if output or p.updated else "const "
    return f"{constant}{_C_TYPES[p.kind]}* {p.name};"


def structure(f: Function) -> str:
    """The C structure of one row."""
    lines = [_pointer(p, False) for p in f.inputs if not p.many] + [
        _pointer(p, True) for p in f.outputs if not p.many
    ]
    if f.letters:
        lines.append("int64_t " + ", ".join(f.letters) + ";")
    for s in f.scalars:
        if s.count and s.name not in f.letters:
            kind = "int64_t" if s.kind == "int" else "double"
            lines.append(f"{kind} {s.name}{f'[{s.count}]' if s.listed else ''};")
    if any(p.adds for p in f.outputs):
        lines.append("int64_t add;")
    if f.finish or f.many:
        lines.append("int64_t count; Entry entries[];")
    return f"// {f.text}\nstruct {f.name} {{\n    " + "\n    ".join(lines) + "\n};\n"


def header() -> str:
    """The whole C++ header."""
    functions = FUNCTIONS.values()
    steps = ", ".join(f"{f.name} = {f.number}" for f in functions if f.step)
    return "\n".join(
        [
            "// Written by src/klarnet/engine/generate.py from src/klarnet/engine/table.py. Do not edit.",
            "#pragma once",
            "#include <cstdint>",
            "namespace kn {",
            f"constexpr uint32_t abi = {abi()}u;",
            f"constexpr int functions = {len(FUNCTIONS)};",
            "constexpr int64_t none = INT64_MIN;   // an int scalar that was None",
            "union Word { int64_t i; double d; };",
            "// One finishing step (array = operand or null, code = number of the step, a, b = its scalars in order)",
            "// or one of any number of arrays (array, code = its last size).",
            "struct Entry { float* array; int64_t code; Word a, b; };",
            f"enum class Step : int64_t {{ {steps} }};",
            "namespace args {",
            *(structure(f) for f in functions),
            "}  // namespace args",
            "// Every function of the waist, in the order of the table.",
            "#define KN_FUNCTIONS(ROW) \\",
            " \\\n".join(f"    ROW({f.name})" for f in functions),
            "}  // namespace kn",
            "",
        ]
    )


def _definition(name: str, arguments: list[str], result: str) -> list[str]:
    """A function's head in one line, in three, or with one argument a line: the project's common form."""
    listed = ", ".join(arguments)
    if len(line := f"def {name}({listed}) -> {result}: ...") <= _WIDTH:
        return [line]
    body = [f"    {listed}"] if len(listed) + 4 <= _WIDTH else [f"    {a}," for a in arguments]
    return [f"def {name}(", *body, f") -> {result}: ..."]


def stubs() -> str:
    """Type stubs of `klarnet.engine.functions`."""
    lines = [
        '"""Written by generate.py from table.py. Do not edit."""',
        "",
        "from typing import Any",
        "",
        "node: int",
        "",
    ]
    for f in FUNCTIONS.values():
        inputs = [
            f"{p.name}: Any" + (" = ..." if p.optional and all(q.optional for q in f.inputs[i:]) else "")
            for i, p in enumerate(f.inputs)
        ]
        scalars = [
            f"{s.name}: {'Any' if s.listed else s.kind + (' | None' if s.kind == 'int' else '')}"
            for s in f.scalars
        ]
        star = ["*"] if scalars else []
        result = (
            "None"
            if not f.outputs
            else "Any"
            if len(f.outputs) == 1
            else "tuple[" + ", ".join("Any" for _ in f.outputs) + "]"
        )
        lines.extend(_definition(f.name, inputs + star + scalars, result))
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    import argparse  # the build's alone
    from pathlib import Path

    parser = argparse.ArgumentParser(description="Writes what follows from the table of functions.")
    parser.add_argument("--header", type=Path, help="write the C header here")
    parser.add_argument("--stubs", type=Path, help="write the type stubs here")
    given = parser.parse_args(arguments)
    if given.header:
        given.header.write_text(header())
    if given.stubs:
        given.stubs.write_text(stubs())


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
