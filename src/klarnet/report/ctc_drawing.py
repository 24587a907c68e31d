"""The lattice of CTC as a picture: a row a state, a column a step, an arrow for every move that a path may make.

A state is the darker the more of P(l|x) goes through it; moves that no path to the end takes are left out. The most
probable path is drawn bold. The file needs nothing else, and follows the reader's light or dark theme.
"""

from __future__ import annotations

from html import escape

from klarnet.formulas.ctc_lattice import leaps

from .ctc_table import Worked

ACROSS, DOWN, LEFT, TOP, RADIUS = 74, 46, 44, 64, 15
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328; text-anchor: middle; }
.small { font-size: 9px; } .title { font-size: 14px; text-anchor: start; }
.paper { fill: #ffffff; } .ring { fill: #ffffff; stroke: #8c959f; } .ink { fill: #0969da; }
line { stroke: #8c959f; } line.best, .ring.best { stroke: #bc4c00; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .paper { fill: #0d1117; } .ring { fill: #0d1117; stroke: #6e7681; } .ink { fill: #4493f8; }
  line { stroke: #6e7681; } line.best, .ring.best { stroke: #f0883e; }
}"""


def as_svg(worked: Worked) -> str:
    """The drawing as a whole file of SVG."""
    found = worked.lattice
    steps, states = found.log_y.shape
    wide, high = LEFT + ACROSS * steps + 16, TOP + DOWN * states + 16
    title = f'CTC: "{worked.word}" on {steps} steps, P(l|x) = {found.probability:.12g}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'role="img" aria-label="{escape(title)}">',
        f"<style>\n{STYLE}\n</style>",
        f'<rect class="paper" width="{wide}" height="{high}"/>',
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
        *(f'<text x="{_x(t)}" y="{TOP - 18}">{t}</text>' for t in range(steps)),
        *(f'<text x="20" y="{_y(u) + 4}">{escape(name)}</text>' for u, name in enumerate(worked.names)),
        *_moves(worked),
        *_states(worked),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(t: int) -> int:
    return LEFT + ACROSS * t + ACROSS // 2


def _y(u: int) -> int:
    return TOP + DOWN * u + DOWN // 2


def _moves(worked: Worked) -> list[str]:
    """A line for each move between two states that paths to the end go through."""
    used, may, best = worked.lattice.occupancy > 0, leaps(worked.lattice.states), worked.best
    lines = []
    for t in range(1, len(used)):
        for u in range(used.shape[1]):
            for v in (u, u - 1, *([u - 2] if may[u] else [])):
                if v < 0 or not (used[t, u] and used[t - 1, v]):
                    continue
                kind = ' class="best"' if best[t] == u and best[t - 1] == v else ""
                lines.append(f'<line x1="{_x(t - 1)}" y1="{_y(v)}" x2="{_x(t)}" y2="{_y(u)}"{kind}/>')
    return lines


def _states(worked: Worked) -> list[str]:
    """A circle for each state and step, filled by its occupancy; alpha and beta are its title."""
    alpha, beta, share = worked.lattice.alpha, worked.lattice.beta, worked.lattice.occupancy
    circles = []
    for t, u in sorted((t, u) for t in range(share.shape[0]) for u in range(share.shape[1])):
        at = f'cx="{_x(t)}" cy="{_y(u)}" r="{RADIUS if share[t, u] > 0 else 3}"'
        kind = "ring best" if worked.best[t] == u else "ring"
        says = f"{worked.names[u]} at {t}: alpha {alpha[t, u]:.6g}, beta {beta[t, u]:.6g}, occupancy {share[t, u]:.6g}"
        circles.append(f'<g><title>{escape(says)}</title><circle class="{kind}" {at}/>')
        if share[t, u] > 0:
            circles.append(f'<circle class="ink" {at} fill-opacity="{0.7 * share[t, u]:.3f}"/>')
            circles.append(f'<text class="small" x="{_x(t)}" y="{_y(u) + 3}">{_short(share[t, u])}</text>')
        circles.append("</g>")
    return circles


def _short(share: float) -> str:
    shown = f"{share:.3f}"
    return shown.lstrip("0") if share < 0.9995 else "1"
