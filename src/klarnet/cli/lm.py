"""`klarnet lm train` and `klarnet lm score`: language models of characters."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .options import Json

LM_TRAIN_EXAMPLES = """\
Examples:
  klarnet lm train corpus.txt             # writes corpus.lm
  klarnet lm train one.txt two.txt --order 6 --out both.lm"""

LM_SCORE_EXAMPLES = """\
Examples:
  klarnet lm score corpus.lm "a line of text" "another one"
  klarnet lm score corpus.lm --file unseen.txt"""


def lm_train(
    corpus: Annotated[list[str], Parameter(name="CORPUS", help="Files of UTF-8 text, a text a line.")],
    /,
    *,
    out: Annotated[
        str | None, Parameter(help="The file to write; by default CORPUS.lm, here, of one CORPUS.")
    ] = None,
    order: Annotated[int, Parameter(help="A character depends on the order - 1 before it.")] = 5,
) -> int:
    """Train a language model of characters on files of text.

    N-grams with interpolated, modified Kneser-Ney discounts. Each line is a
    text with a beginning and an end; empty lines are left out.
    """
    from klarnet import lm

    if out is None and len(corpus) > 1:
        raise ValueError(f"lm train: {len(corpus)} files of text and no name for the model; add --out FILE")
    out = out or Path(corpus[0]).with_suffix(".lm").name
    if Path(out).resolve() in [Path(name).resolve() for name in corpus]:
        raise ValueError(f"{out}: is a text to learn from, expected another file to write; add --out FILE")
    texts = [line for name in corpus for line in _lines(name)]
    if not texts:
        raise ValueError(f"{corpus[0]}: no text in it, expected a line at least")
    model = lm.train(texts, order=order)
    model.save(out)
    print(
        f"{len(texts):,} texts, {sum(map(len, texts)):,} characters, {len(model.letters)} letters, "
        f"order {model.order}"
    )
    print(f"model: {out} ({Path(out).stat().st_size:,} bytes)")
    return 0


def lm_score(
    model: Annotated[str, Parameter(name="MODEL", help="A file that `klarnet lm train` wrote.")],
    texts: Annotated[list[str] | None, Parameter(name="TEXT", help="Texts to score.")] = None,
    /,
    *,
    file: Annotated[str | None, Parameter(help="Score the lines of a file.")] = None,
    json: Json = False,
) -> int:
    """Say how well a language model foresees texts.

    Bits per character, the end of each text counted as one, and the
    perplexity: 2 to their power, the choices that were left on average.
    """
    from klarnet import lm

    found = lm.load(model)
    scored = [*(texts or ()), *(_lines(file) if file is not None else ())]
    if not scored:
        raise ValueError("lm score: no text, expected TEXT or --file FILE with a line at least")
    bits = found.bits_per_character(scored)
    unknown = sum(character not in found.letters for text in scored for character in text)
    about = {
        "texts": len(scored),
        "characters": sum(map(len, scored)),
        "unknown": unknown,
        "bits_per_character": bits,
        "perplexity": 2.0**bits,
    }
    if json:
        print(json_module.dumps(about))
        return 0
    print(f"{about['texts']:,} texts, {about['characters']:,} characters, {unknown:,} of them unknown")
    print(f"bits per character {bits:.4f}")
    print(f"perplexity {about['perplexity']:.4f}")
    return 0


def _lines(name: str) -> list[str]:
    """The lines of a file that are not empty, without a byte-order mark. ValueError for what is not UTF-8."""
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name}: not UTF-8 text (byte {error.start}); convert it, as by `iconv -t utf-8`"
        ) from None
    return [line for line in text.split("\n") if line]
