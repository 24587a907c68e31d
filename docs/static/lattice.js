/* Steps through the drawing of a CTC lattice: alpha from the left, beta from the right, and the occupancy of each step.
   All numbers are read from the drawing, which klarnet made; without this script it stands there as it is. */
"use strict";

const TITLE = /^(.+) at (\d+): alpha (\S+), beta (\S+), occupancy (\S+)$/;
const VIEWS = { alpha: "α, all beginnings", beta: "β, all endings", gamma: "γ, the occupancy" };

/* The cells of a drawing by step and state: { name, alpha, beta, gamma, group }. */
function cellsOf(svg) {
  const cells = [];
  for (const group of svg.querySelectorAll("g")) {
    const found = TITLE.exec(group.querySelector("title")?.textContent ?? "");
    if (!found) continue;
    const [, name, t, ...numbers] = found;
    const [alpha, beta, gamma] = numbers.map(Number);
    (cells[Number(t)] ??= []).push({ name, alpha, beta, gamma, group });
  }
  return cells;
}

/* The states that a path may come from into state u; a blank stands at every even place. */
function sources(column, u) {
  const leaps = u % 2 === 1 && u > 1 && column[u].name !== column[u - 2].name;
  return [u, u - 1, ...(leaps ? [u - 2] : [])].filter((v) => v >= 0);
}

/* The states that a path may go to from state u. */
function targets(column, u) {
  return [u, u + 1, u + 2].filter((v) => v < column.length && sources(column, v).includes(u));
}

const short = (value) => (value === 0 ? "0" : value.toFixed(4).replace(/^0/, ""));

/* How the values of one column come about, a row [name, sum] for each state that has one. */
function sums(cells, view, t, total) {
  const column = cells[t];
  const next = view === "alpha" ? cells[t - 1] : cells[t + 1];
  return column.flatMap((cell, u) => {
    if (view === "gamma") {
      if (!cell.gamma) return [];
      const y = (cell.alpha * cell.beta) / (cell.gamma * total);
      const [a, b, p] = [cell.alpha, cell.beta, total].map(short);
      return [[cell.name, `${a} · ${b} / (${short(y)} · ${p}) = ${short(cell.gamma)}`]];
    }
    const value = cell[view];
    if (!value) return [];
    if (!next) return [[cell.name, `y = ${short(value)}`]];
    const terms = (view === "alpha" ? sources(column, u) : targets(column, u)).map((v) => next[v][view]);
    const sum = terms.reduce((a, b) => a + b);
    return [[cell.name, `${short(value / sum)} · (${terms.map(short).join(" + ")}) = ${short(value)}`]];
  });
}

/* Show one view up to one step: values in the circles, the moves that were summed, the sums themselves. */
function show(svg, cells, view, t, total) {
  const known = (s) => view === "gamma" || (view === "alpha" ? s <= t : s >= t);
  cells.forEach((column, s) =>
    column.forEach((cell) => {
      const value = cell[view];
      cell.group.classList.toggle("later", !known(s));
      cell.group.classList.toggle("now", s === t && value > 0);
      cell.circle.setAttribute("r", value > 0 ? 15 : 3);
      cell.ink.setAttribute("fill-opacity", 0.7 * Math.min(1, value));
      cell.text.textContent = value > 0 ? short(value) : "";
    }));
  const moved = view === "alpha" ? cells[t] : view === "beta" ? cells[t + 1] : undefined;
  const x = moved?.[0].circle.getAttribute("cx");
  for (const line of svg.querySelectorAll("line")) {
    line.classList.toggle("now", line.getAttribute("x2") === x);
    line.classList.toggle("later", moved !== undefined && !known(view === "alpha" ? line.step : line.step - 1));
  }
}

function element(kind, settings = {}, ...children) {
  const made = Object.assign(document.createElement(kind), settings);
  made.append(...children);
  return made;
}

function makeSteps(svg, number) {
  const cells = cellsOf(svg);
  const total = Number(/= ([\d.e-]+)$/.exec(svg.querySelector(".title")?.textContent ?? "")?.[1]);
  if (!cells.length || !total) return;
  for (const cell of cells.flat()) {
    cell.circle = cell.group.querySelector("circle");
    const part = (found, kind, settings) => {
      if (found) return found;
      const made = document.createElementNS(svg.namespaceURI, kind);
      for (const [name, value] of Object.entries(settings)) made.setAttribute(name, value);
      return cell.group.appendChild(made);
    };
    const [cx, cy] = ["cx", "cy"].map((name) => cell.circle.getAttribute(name));
    cell.ink = part(cell.group.querySelector(".ink"), "circle", { class: "ink", cx, cy, r: 15, "fill-opacity": 0 });
    cell.text = part(cell.group.querySelector("text"), "text", { class: "small", x: cx, y: Number(cy) + 3 });
  }
  const columns = cells.map((column) => column[0].circle.getAttribute("cx"));
  for (const line of svg.querySelectorAll("line")) line.step = columns.indexOf(line.getAttribute("x2"));

  let view = "gamma"; // as it is drawn
  const slider = element("input", { type: "range", min: 0, max: cells.length - 1, value: 0 });
  const at = element("output");
  const table = element("table", { className: "sums" });
  const redraw = () => {
    const t = Number(slider.value);
    at.textContent = t;
    show(svg, cells, view, t, total);
    const rows = sums(cells, view, t, total).map(([name, sum]) =>
      element("tr", {}, element("td", {}, name), element("td", {}, sum)));
    table.replaceChildren(element("tbody", {}, ...rows));
  };
  const choices = Object.entries(VIEWS).map(([name, words]) => {
    const radio = element("input", { type: "radio", name: `view-${number}`, checked: name === view });
    radio.addEventListener("change", () => {
      view = name;
      slider.value = name === "beta" ? slider.max : 0;
      redraw();
    });
    return element("label", {}, radio, words);
  });
  slider.addEventListener("input", redraw);
  svg.classList.add("stepped");
  svg.before(element("div", { className: "steps" }, ...choices, element("label", {}, "step", slider, at)));
  svg.after(table);
  redraw();
}

document.querySelectorAll("svg.drawing").forEach(makeSteps);
