"""How `make docs` builds the pages: MyST Markdown, formulas as MathML, code that runs, no network in the result."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent / "src")]

import klarnet  # noqa: E402

project = "klarnet"
author = copyright = "The klarnet authors"
version = release = klarnet.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "mathml",
    "plain_docstrings",
    "run_code",
]
exclude_patterns = ["extensions"]
highlight_language = "none"  # unless a block says what it is

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "none"

html_theme = "furo"
html_title = "klarnet"
html_static_path = ["static"]
html_css_files = ["klarnet.css"]
html_js_files = [("lattice.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
