"""Where a setting came from: the line of a file, an option of the command line, or the library itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from .lines import Path


def shown(path: Path) -> str:
    """("network", "layers", 2, "size") -> network.layers[2].size"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass
class Origin:
    """The name of a recipe's file, the line of each setting in it, and what options of the command line have set."""

    name: str = "recipe"
    lines: dict[Path, int] = field(default_factory=dict)
    options: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """What begins an error message: my.toml:12, or --set training.epochs, of the setting or what it stands in."""
        for longer, option in self.options.items():
            if longer[: len(path)] == path and path:  # what was changed in this table is what does not fit
                return option
        for end in range(len(path), 0, -1):
            if path[:end] in self.options:
                return self.options[path[:end]]
            if path[:end] in self.lines:
                return f"{self.name}:{self.lines[path[:end]]}"
        return self.name

    def error(self, path: Path, text: str) -> ValueError:
        """`my.toml:12: text`."""
        return ValueError(f"{self.place(path)}: {text}")
