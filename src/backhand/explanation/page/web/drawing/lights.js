// What an entry is computed from, drawn over the matrices: the row and the column that meet in it.

import { svg } from "../parts/dom.js";
import { explainEntry } from "../mathematics/rules.js";

/**
 * The layer over a drawing. `grids` are by name; `place(grid)` is the left upper corner of its
 * cells in the drawing; `size()` is the length of a cell's edge.
 *
 * Returns `show(cell)`: light up an entry and what it reads; null for none.
 */
export function createLights(store, grids, { place, size }) {
  const node = svg("svg", { class: "lights", "aria-hidden": "true" });
  let shut = new Set();
  let drawn = "";

  /** The rectangle around those of some cells that are drawn, or null. */
  function around(name, indices) {
    const grid = grids[name];
    const places = grid ? indices.map(grid.placeOf).filter(Boolean) : [];
    if (!places.length) return null;
    const [top, bottom] = extent(places.map(({ r }) => r));
    const [left, right] = extent(places.map(({ c }) => c));
    const corner = place(grid);
    const edge = size();
    return {
      x: corner.x + left * edge,
      y: corner.y + top * edge,
      width: (right - left + 1) * edge,
      height: (bottom - top + 1) * edge,
    };
  }

  function hatch(terms) {
    const factors = terms.filter((term) => term.shut).flatMap((term) => term.factors);
    const cells = factors.map(({ cell }) => grids[cell.name]?.cellAt(cell.index)).filter(Boolean);
    const now = new Set(cells.map((cell) => cell.node));
    for (const cell of shut) if (!now.has(cell)) cell.classList.remove("shut");
    for (const cell of now) if (!shut.has(cell)) cell.classList.add("shut");
    shut = now;
  }

  function show(cell) {
    if (!cell || !grids[cell.name]) {
      hatch([]);
      return draw(null, []);
    }
    const { reads, terms } = explainEntry(store.values, store.rules, cell);
    hatch(terms);
    const operands = grouped(reads).map(([name, indices]) => around(name, indices));
    draw(around(cell.name, [cell.index]), operands.filter(Boolean));
  }

  /** While numbers change, what is drawn already is left as it is. */
  function draw(target, operands) {
    const boxes = JSON.stringify([target, operands]);
    if (boxes === drawn) return;
    drawn = boxes;
    node.replaceChildren(
      ...(target ? operands.map((box) => connection(box, target)) : []),
      ...operands.map((box) => rectangle(box, "operand")),
      ...(target ? [rectangle(target, "target")] : []),
    );
  }

  return { node, show };
}

function extent(places) {
  return [Math.min(...places), Math.max(...places)];
}

/** Indices by the name of their array: [[name, [index, …]], …]. */
function grouped(cells) {
  const found = new Map();
  for (const { name, index } of cells) found.set(name, [...(found.get(name) ?? []), index]);
  return [...found];
}

/** A rectangle on the outer side of the cells' edges. */
function rectangle({ x, y, width, height }, kind) {
  const outer = { x: x - 1, y: y - 1, width: width + 1, height: height + 1 };
  return svg("rect", { class: kind, ...outer, rx: 2 });
}

/**
 * From an operand to the entry: a band where they are in one row or column of the drawing, as in
 * Falk's scheme, and else a curve.
 */
function connection(from, to) {
  const isAbout = (a, b) => Math.abs(a - b) < 1;
  if (isAbout(from.y, to.y) && isAbout(from.height, to.height)) {
    const [left, right] = from.x < to.x ? [from, to] : [to, from];
    const x = left.x + left.width;
    return band({ x, y: to.y, width: right.x - x, height: to.height });
  }
  if (isAbout(from.x, to.x) && isAbout(from.width, to.width)) {
    const [upper, lower] = from.y < to.y ? [from, to] : [to, from];
    const y = upper.y + upper.height;
    return band({ x: to.x, y, width: to.width, height: lower.y - y });
  }
  return curve(from, to);
}

function band({ x, y, width, height }) {
  const size = { width: Math.max(0, width), height: Math.max(0, height) };
  return svg("rect", { class: "band", x, y, ...size });
}

function curve(from, to) {
  const x = from.x + from.width / 2;
  const y = from.y < to.y ? from.y + from.height : from.y;
  const end = { x: to.x > x ? to.x : to.x + to.width, y: to.y + to.height / 2 };
  return svg("path", { class: "curve", d: `M${x},${y} Q${x},${end.y} ${end.x},${end.y}` });
}
