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

A network that learned from a table takes CSV or NumPy files with the columns it
learned from, by their names; more columns do no harm. Each row gets a line.
Header, delimiter, decimal and charset are those of the run's recipe.

Examples:
  klarnet predict runs/digits-1 seven.png
  klarnet predict runs/digits-1 --invert --top 3 scan-1.jpg scan-2.jpg
  klarnet predict runs/names-1 --text Schmidt --text Rossi --top 3
  cut -d, -f1 people.csv | klarnet predict runs/names-1 --json
  klarnet predict runs/csv-1 new.csv --top 2"""


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
    *files: Annotated[str, Parameter(name="FILE", help="Pictures (PNG, JPEG, ...), texts or tables.")],
    text: Annotated[
        list[str] | None,
        Parameter(negative=(), show_default=False, help="A text to classify. May be given again."),
    ] = None,
    invert: Annotated[bool, flag("Swap black and white first.")] = False,
    top: Annotated[int, Parameter(help="How many classes to name.")] = 1,
    json: Annotated[bool, flag("Print one JSON object a file, text or row.")] = False,
) -> int:
    """Name the class of picture files or texts, and predict the rows of tables."""
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
        raise ValueError("predict: no files given, expected one or more")
    return _files(net, run, files, invert, top, json)


def _files(net: Network, run: str, files: tuple[str, ...], invert: bool, top: int, json: bool) -> int:
    """Answer for pictures or tables file by file; one that does not fit is named and makes the exit code 2."""
    from klarnet.tasks import classify
    from klarnet.tasks.rows import predict_rows, reads_rows

    code, noted = 0, invert
    for file in files:
        table = reads_rows(net, file)
        try:
            if table and invert:
                raise ValueError(
                    f"{file}: --invert swaps black and white of pictures; this network reads rows"
                )
            answers = predict_rows(net, file, run) if table else [classify.classify(net, file, invert=invert)]
        except (ValueError, OSError) as error:
            print(f"klarnet: {error}", file=sys.stderr)
            code = 2
            continue
        for answer in answers:
            print(_as_json(answer, top, "row" if table else "file") if json else _as_text(answer, top))
        if answers[0].light and not noted:
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
    if answer.numbers is not None:
        found = [f"{name} {value:.6g}" for name, value in answer.numbers]
    else:
        found = [f"{name} ({100 * p:.1f} %)" for name, p in answer.ranking[:top]]
    return f"{answer.file}: {', '.join(found)}"


def _as_json(answer: Answer, top: int, what: str) -> str:
    if answer.numbers is not None:
        return json_module.dumps({what: answer.file, "numbers": dict(answer.numbers)})
    classes = [{"class": name, "probability": p} for name, p in answer.ranking[:top]]
    return json_module.dumps({what: answer.file, "classes": classes})
