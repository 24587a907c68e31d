"""`klarnet lm train` and `klarnet lm score` from a shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import klarnet as kn
from klarnet.cli.run import run


def test_a_model_of_two_files(capsys, tmp_path: Path) -> None:
    one, two, out = tmp_path / "one.txt", tmp_path / "two.txt", tmp_path / "both.lm"
    one.write_bytes(b"\xef\xbb\xbfaffe\n\nkaffee")  # a byte-order mark, an empty line, no newline at the end
    two.write_text("tee\n")
    assert run(["lm", "train", str(one), str(two), "--order", "3", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("3 texts, 13 characters, 5 letters, order 3\n")
    assert printed.endswith(f"model: {out} ({out.stat().st_size:,} bytes)\n")
    model = kn.lm.load(out)
    assert model.letters == "aefkt"
    assert model.to_bytes() == kn.lm.train(["affe", "kaffee", "tee"], order=3).to_bytes()

    assert run(["lm", "score", str(out), "affe", "--file", str(two), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["texts"] == 2 and found["characters"] == 7 and found["unknown"] == 0
    assert found["bits_per_character"] == pytest.approx(model.bits_per_character(["affe", "tee"]))
    assert found["perplexity"] == pytest.approx(2 ** found["bits_per_character"])
    assert run(["lm", "score", str(out), "oma"]) == 0
    assert capsys.readouterr().out.startswith("1 texts, 3 characters, 2 of them unknown\nbits per character ")


def test_a_model_is_named_after_its_text(
    capsys, failing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, other = tmp_path / "texts" / "corpus.txt", tmp_path / "other.lm"
    text.parent.mkdir()
    text.write_text("affe\n")
    other.write_text("kaffee\n")
    monkeypatch.chdir(tmp_path)
    assert run(["lm", "train", str(text)]) == 0
    assert "model: corpus.lm (" in capsys.readouterr().out
    assert kn.lm.load("corpus.lm").letters == "aef"
    failing(["lm", "train", str(text), str(other)], "lm train: 2 files of text", "add --out FILE")
    failing(["lm", "train", "other.lm"], "other.lm: is a text to learn from")
    assert other.read_text() == "kaffee\n"


def test_what_cannot_be_read(failing, tmp_path: Path) -> None:
    empty, other, out = tmp_path / "empty.txt", tmp_path / "latin.txt", str(tmp_path / "out.lm")
    empty.write_text("\n\n")
    other.write_bytes(b"caf\xe9")
    failing(["lm", "train", str(empty), "--out", out], "empty.txt: no text in it")
    failing(["lm", "train", str(other), "--out", out], "latin.txt: not UTF-8 text (byte 3)")
    failing(["lm", "train", str(tmp_path / "none.txt"), "--out", out], "none.txt")
    failing(["lm", "score", str(other), "a"], "latin.txt: no language model of klarnet", "klarnet lm train")
    assert not (tmp_path / "out.lm").exists()
    kn.lm.train("a").save(out)
    failing(["lm", "score", out], "lm score: no text")
