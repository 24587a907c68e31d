"""What happened in each epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class History:
    """One value a name and epoch: `history["validation_loss"]` is a list, epoch by epoch.

    epochs        how many epochs were trained
    best_epoch    the epoch (from 1) whose weights were kept, where something chose one
    stopped       why the training ended before its time, or None
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.best_epoch: int | None = None
        self.stopped: str | None = None

    @property
    def epochs(self) -> int:
        return len(self.rows)

    def append(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def __getitem__(self, name: str) -> list[Any]:
        if not any(name in row for row in self.rows):
            names = ", ".join(self) or "nothing yet"
            raise KeyError(f"the history holds no {name!r}, it holds {names}")
        return [row.get(name) for row in self.rows]

    def __contains__(self, name: object) -> bool:
        return any(name in row for row in self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for row in self.rows for name in row))

    def __len__(self) -> int:
        return len(self.rows)

    def as_dict(self) -> dict[str, list[Any]]:
        return {name: self[name] for name in self}

    def to_csv(self) -> str:
        import csv
        import io

        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()

    def to_json_lines(self) -> str:
        import json

        return "".join(json.dumps(row) + "\n" for row in self.rows)

    def __repr__(self) -> str:
        last = ", ".join(
            f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}"
            for k, v in (self.rows[-1].items() if self.rows else ())
        )
        return f"History({self.epochs} epochs{': ' + last if last else ''})"
