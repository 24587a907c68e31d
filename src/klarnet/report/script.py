"""The few lines of JavaScript of a page: smoothing of curves. Without them the page lacks the slider only.

A smoothed curve is the mean of the values so far with weights that shrink by the factor of the slider from epoch to
epoch (exponential moving average, divided by the sum of its weights, so that it begins at the first value). It is
computed on the drawn points: on a linear axis that is the same as on the values.
"""

from __future__ import annotations

SCRIPT = """
'use strict';
(() => {
  const lines = [...document.querySelectorAll('polyline.line')];
  const boxes = [...document.querySelectorAll('.smoothing')];
  const parse = line => line.getAttribute('points').trim().split(/\\s+/).map(p => p.split(',').map(Number));
  const pairs = lines.map(line => {
    const smooth = line.cloneNode(false);
    smooth.classList.replace('line', 'smooth');
    line.after(smooth);
    return [line, smooth, parse(line)];
  });
  const draw = factor => {
    document.body.classList.toggle('smoothed', factor > 0);
    for (const [, smooth, points] of pairs) {
      let sum = 0, weight = 0;
      smooth.setAttribute('points', points.map(([x, y]) => {
        sum = factor * sum + y;
        weight = factor * weight + 1;
        return x + ',' + (sum / weight).toFixed(2);
      }).join(' '));
    }
    for (const box of boxes) {
      box.querySelector('input').value = factor;
      box.querySelector('output').textContent = Number(factor).toFixed(2);
    }
  };
  for (const box of boxes) {
    box.hidden = false;
    box.querySelector('input').addEventListener('input', event => draw(Number(event.target.value)));
  }
})();
"""

SLIDER = (
    '<label class="smoothing" hidden>Smoothing <input type="range" min="0" max="0.95" step="0.05" value="0">'
    "<output>0.00</output></label>"
)
