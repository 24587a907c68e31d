"""`klarnet explain` from a shell."""

from __future__ import annotations

from pathlib import Path

from klarnet.cli.run import run


def test_the_course_s_word(capsys, tmp_path: Path) -> None:
    out = tmp_path / "affe.svg"
    assert run(["explain", "ctc", "affe", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "0.189429460272" in printed and printed.endswith(f"drawing: {out}\n")
    assert out.read_text().startswith("<svg ") and out.read_text().endswith("</svg>\n")


def test_another_word_from_a_file(capsys, tmp_path: Path) -> None:
    file = tmp_path / "line.csv"
    file.write_text("n,o,-\n0.6,0.1,0.3\n0.1,0.6,0.3\n")
    assert run(["explain", "ctc", "no", "--probabilities", str(file)]) == 0
    assert "= 0.360000000000" in capsys.readouterr().out


def test_what_cannot_be_explained(failing, tmp_path: Path) -> None:
    failing(["explain", "ctx", "affe"], "explain: topic 'ctx' is not known", "did you mean 'ctc'?")
    failing(["explain", "ctc", "maus"], "no probabilities for 'maus'", "--probabilities FILE.csv")
    failing(["explain", "ctc", "affe", "--out", str(tmp_path / "a.png")], "ends in .svg")
    failing(["explain", "ctc", "no", "--probabilities", str(tmp_path / "none.csv")], "none.csv")
    assert not list(tmp_path.iterdir())
