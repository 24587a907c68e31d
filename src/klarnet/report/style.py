"""How a report looks: on light and dark screens, on a desk and on a phone."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5d6675; --page: #ffffff; --box: #f4f6f9; --line: #d8dde5;
        --mark: #3b7dd8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --page: #14171d; --box: #1d222b;
        --line: #333b48; --mark: #6ea4ee } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
       padding: 1.2rem; max-width: 62rem }
h1 { font-size: 1.7rem; margin: .2rem 0 } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem }
p.soft, figcaption, .soft { color: var(--soft) } ul { padding-left: 1.1rem; font-size: .92rem; overflow-wrap: anywhere }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.2rem 0 }
.figures div { background: var(--box); border-radius: .6rem; padding: .7rem .9rem }
.figures b { display: block; font-size: 1.5rem }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem }
.wide { overflow-x: auto } img { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: .92rem } th { color: var(--soft); font-weight: 600 }
th, td { text-align: left; white-space: nowrap; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line) }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.2rem, 1fr)); gap: .8rem }
.examples figure { margin: 0; background: var(--box); border-radius: .5rem; padding: .5rem; text-align: center }
.examples img { image-rendering: pixelated; width: 5.6rem } figcaption { font-size: .85rem; line-height: 1.3 }
.matrix { background: #fff; padding: .4rem; border-radius: .5rem; display: inline-block }
"""
