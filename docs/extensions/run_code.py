"""The directive `run`: Python that runs when the page is built, with what it prints and draws below it.

    ```{run}
    :picture: caption of the figure that the code leaves open, or of the SVG that it calls `drawing`
    :fold:
    import matplotlib.pyplot as plt
    ...
    ```

All blocks of a page share one namespace, empty at first, and a folder of their own to write to.
`fold` hides the code behind a line to click on. Code that raises or warns fails the build, with page and line.
"""

from __future__ import annotations

import contextlib
import shutil
import traceback
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from blocks import execute
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective


class Run(SphinxDirective):
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "picture": directives.unchanged_required,
        "fold": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        code = "\n".join(self.content) + "\n"
        names = self.env.temp_data.get("run: names")
        folder = Path(self.env.doctreedir) / "run" / self.env.docname
        if names is None:  # the first block of the page
            names = self.env.temp_data["run: names"] = {}
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        where = f"{self.env.docname}.md, block at line {self.lineno}"
        try:
            with contextlib.chdir(folder):
                printed, picture = execute(code, names, where)
        except Exception:
            raise self.error(f"{where}:\n{traceback.format_exc(limit=-3)}") from None
        if (picture is None) == ("picture" in self.options):
            raise self.error(f"{where}: `picture` is there, a figure is not, or the other way round")
        return [*self.source(code), *self.output(printed), *self.figure(picture)]

    def source(self, code: str) -> list[nodes.Node]:
        block = nodes.literal_block(code, code, language="python")
        if "fold" not in self.options:
            return [block]
        begin, end = "<details class='code'><summary>Code of the picture</summary>", "</details>"
        return [nodes.raw("", begin, format="html"), block, nodes.raw("", end, format="html")]

    def output(self, printed: str) -> list[nodes.Node]:
        return [nodes.literal_block(printed, printed, language="text", classes=["output"])] if printed else []

    def figure(self, picture: str | None) -> list[nodes.Node]:
        if picture is None:
            return []
        caption, messages = self.parse_inline(self.options["picture"], lineno=self.lineno)
        spoken = escape("".join(part.astext() for part in caption))
        picture = picture.replace("<svg", f'<svg role="img" aria-label="{spoken}"', 1)
        parts = nodes.raw("", picture, format="html"), nodes.caption("", "", *caption)
        return [nodes.figure("", *parts, classes=["picture"]), *messages]


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("run", Run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
