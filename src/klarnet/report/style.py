"""How a page looks: on light and dark screens, on a desk, on a phone and on paper."""

from __future__ import annotations

_LIGHT = """--ink: #1d2330; --soft: #596273; --page: #ffffff; --box: #f3f5f8; --line: #d5dae3; --right: #0f4c8c;
  --wrong: #a63a1c; --on: #ffffff; --c0: #2a6fc9; --c1: #c2540f; --c2: #24804a; --c3: #8247bd; --c4: #b0346a;
  --c5: #137f89; --c6: #80650f; --c7: #596273"""
_DARK = """--ink: #e6e9ef; --soft: #a3adbd; --page: #14171d; --box: #1e232c; --line: #37404e; --right: #2f6fc0;
  --wrong: #c2512f; --on: #ffffff; --c0: #6ea4ee; --c1: #f0975a; --c2: #5cc285; --c3: #bd94ee; --c4: #ec7fae;
  --c5: #55c1cb; --c6: #d3b24e; --c7: #a3adbd"""

STYLE = (
    f":root {{ color-scheme: light dark; {_LIGHT} }}\n"
    f"@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}\n"
    + "".join(f".c{i} {{ --c: var(--c{i}) }}\n" for i in range(8))
    + """
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
       padding: 1.2rem; max-width: 66rem; overflow-wrap: break-word }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .2rem 0 } h2 { font-size: 1.25rem; margin: 2.4rem 0 .5rem }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem }
header p { margin: .2rem 0 .6rem } .soft, figcaption { color: var(--soft) }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; font-size: .92rem; border-bottom: 1px solid var(--line);
      padding-bottom: .6rem }
a { color: var(--c0) } ul { padding-left: 1.1rem; font-size: .92rem }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .7rem; margin: 1.2rem 0 }
.figures div { background: var(--box); border-radius: .6rem; padding: .7rem .9rem }
.figures b { display: block; font-size: 1.45rem; line-height: 1.3 }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem 1.4rem }
.charts.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.5rem), 1fr)) }
figure { margin: 0 } .chart > figcaption { font-weight: 600; color: var(--ink) }
svg { display: block; max-width: 100%; height: auto; font-family: system-ui, sans-serif }
svg text { fill: var(--soft); font-size: 11px } svg text.strong { fill: var(--ink); font-size: 12px; font-weight: 600 }
svg text.ink { fill: var(--ink) } svg text.small { font-size: 10px } svg text.on { fill: var(--on) }
.axis { stroke: var(--line); fill: none } .edge { stroke: var(--soft); fill: none }
.line, .smooth { stroke: var(--c); fill: none; stroke-width: 2; stroke-linejoin: round }
.dashed { stroke-dasharray: 5 4 }
.dot, .bar { fill: var(--c) } .pale { opacity: .45 } .mark { stroke: var(--soft); stroke-dasharray: 2 3 }
.over { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3 }
.smoothed .line, .smoothed .dot { opacity: .25 } body:not(.smoothed) .smooth { display: none }
.smoothing { display: inline-flex; align-items: center; gap: .6rem; font-size: .92rem; margin: .2rem 0 .8rem }
.smoothing[hidden] { display: none }
.legend { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; font-size: .85rem; color: var(--soft) }
.legend span::before { content: ""; display: inline-block; width: 1.1rem; border-top: 3px solid var(--c);
  margin-right: .4rem; vertical-align: .25em } .legend .dashed::before { border-top-style: dashed }
.legend .mark::before { border-top: 2px dotted var(--soft) }
.cell { fill: var(--box) } .right { fill: var(--right) } .wrong { fill: var(--wrong) }
.node { fill: var(--box); stroke: var(--line) } .node.has { stroke: var(--c0); stroke-width: 1.5 }
.wide, .tall { overflow-x: auto; max-width: 100% } .tall { max-height: 44rem; overflow-y: auto }
.wide:focus-visible, .tall:focus-visible { outline: 2px solid var(--c0) } .whole { max-width: none }
img { max-width: 100%; height: auto; image-rendering: pixelated }
img.strip { width: 100%; height: 6rem; border: 1px solid var(--line); border-radius: 3px }
table { border-collapse: collapse; font-size: .92rem }
thead th { color: var(--soft); font-weight: 600 } tbody th { font-weight: 500 }
th, td { text-align: left; white-space: nowrap; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line) }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.wrapped td { white-space: normal; overflow-wrap: anywhere; min-width: 8rem }
.share { display: inline-block; height: .6rem; background: var(--c0); border-radius: 2px; margin-right: .5rem }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.2rem, 1fr)); gap: .7rem }
.examples figure, .pair { background: var(--box); border-radius: .5rem; padding: .5rem; text-align: center }
.examples img { width: 5.6rem } figcaption { font-size: .85rem; line-height: 1.35 }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: .7rem }
.pair { text-align: left } .pair img { width: 3rem; margin-right: .3rem } .pair figcaption { margin-top: .3rem }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.2rem;
  align-items: start }
summary { cursor: pointer; color: var(--soft) } code { font-size: .92em }
@media (max-width: 30rem) { body { padding: .9rem } h1 { font-size: 1.4rem } .figures b { font-size: 1.2rem }
  .pairs { grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)) } .pair img { width: 2.6rem }
  th, td { padding-right: .6rem } }
@media print {
  :root { """
    + _LIGHT
    + """ } body { max-width: none; padding: 0; font-size: 11pt; print-color-adjust: exact;
  -webkit-print-color-adjust: exact } nav, .smoothing { display: none } figure, tr, .figures { break-inside: avoid }
  h2 { break-after: avoid } .tall { max-height: none } table { font-size: 8pt } thead th { white-space: normal }
  details::details-content { content-visibility: visible;
  display: block; height: auto } }
"""
)
