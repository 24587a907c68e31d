"""`klarnet evaluate` and `klarnet predict`: what a trained network is good for."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .options import Data, Json, Run, flag

if TYPE_CHECKING:
    from klarnet.model import Network
    from klarnet.tasks.classify import Answer

EVALUATE_EXAMPLES = """\
Examples:
  klarnet evaluate runs/digits-1
  klarnet evaluate runs/mnist-1 --data DIR --json"""

PREDICT_EXAMPLES = """\
Pictures are turned upright by their EXIF tag, brought to the network's size and
made grey where it wants grey. digits and mnist learned white ink on black: give
--invert for dark ink on light paper. A file that is no picture is named and
skipped; the exit code is then 2.

A network that learned from texts takes them from --text, which may be given
again, from files with a text a line, or else from the standard input.

Examples:
  klarnet predict runs/digits-1 seven.png
  klarnet predict runs/digits-1 --invert --top 3 scan-1.jpg scan-2.jpg
  klarnet predict runs/names-1 --text Schmidt --text Rossi --top 3
  cut -d, -f1 people.csv | klarnet predict runs/names-1 --json"""


def evaluate(run: Run, /, *, data: Data = None, json: Json = False) -> int:
    """Measure a trained network on the test data of its recipe."""
    from klarnet.tasks import train, trained

    result, test = trained.evaluate(run, data)
    if json:
        print(json_module.dumps(train.described(result, test)))
        return 0
    print(f"examples  {len(test):,}")
    for name, value in result.items():
        print(f"{name:9} {value:.4f}")
    if result.confusion_matrix is not None:
        print(f"\n{result.confusion_matrix}")
    return 0


def predict(
    run: Run,
    /,
    *files: Annotated[str, Parameter(name="FILE", help="Pictures (PNG, JPEG, ...), or files of texts.")],
    text: Annotated[
        list[str] | None,
        Parameter(negative=(), show_default=False, help="A text to classify. May be given again."),
    ] = None,
    invert: Annotated[bool, flag("Swap black and white first.")] = False,
    top: Annotated[int, Parameter(help="How many classes to name.")] = 1,
    json: Annotated[bool, flag("Print one JSON object a file or text.")] = False,
) -> int:
    """Name the class of picture files or texts."""
    from klarnet.tasks import classify, trained

    if top < 1:
        raise ValueError(f"predict: --top {top}, expected 1 or more")
    net = trained.trained_network(run)
    if classify.reads_texts(net):
        if invert:
            raise ValueError("predict: --invert swaps black and white of pictures; this network reads texts")
        for answer in classify.classify_texts(net, [*(text or ()), *_lines(files, text is None)]):
            print(_as_json(answer, top, "text") if json else _as_text(answer, top))
        return 0
    if text:
        raise ValueError("predict: --text for a network that takes no texts; expected files")
    if not files:
        raise ValueError("predict: no files given, expected one picture or more")
    return _pictures(net, files, invert, top, json)


def _pictures(net: Network, files: tuple[str, ...], invert: bool, top: int, json: bool) -> int:
    """Classify files one by one; one that is no picture is named and makes the exit code 2."""
    from klarnet.tasks import classify

    code, noted = 0, False
    for file in files:
        try:
            answer = classify.classify(net, file, invert=invert)
        except (ValueError, OSError) as error:
            print(f"klarnet: {error}", file=sys.stderr)
            code = 2
            continue
        print(_as_json(answer, top, "file") if json else _as_text(answer, top))
        if answer.light and not invert and not noted:
            noted = True
            text = f"klarnet: {file} is light at its border; a network that learned white on black wants --invert"
            print(text, file=sys.stderr)
    return code


def _lines(files: tuple[str, ...], alone: bool) -> Iterator[str]:
    """The texts in files, one a line; where there are none, and no others, those of the standard input."""
    from klarnet.data import text_lines

    for file in files:
        yield from text_lines(file)
    if alone and not files:
        if sys.stdin.isatty():
            raise ValueError(
                "predict: no texts given, expected --text, files, or texts in the standard input"
            )
        yield from text_lines(sys.stdin.buffer)


def _as_text(answer: Answer, top: int) -> str:
    return f"{answer.file}: " + ", ".join(f"{name} ({100 * p:.1f} %)" for name, p in answer.ranking[:top])


def _as_json(answer: Answer, top: int, what: str) -> str:
    classes = [{"class": name, "probability": p} for name, p in answer.ranking[:top]]
    return json_module.dumps({what: answer.file, "classes": classes})
