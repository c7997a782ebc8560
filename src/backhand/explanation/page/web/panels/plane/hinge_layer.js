// Hidden units in the plane: where each begins to be active.

import { setAttributes } from "../../parts/axes.js";
import { svg } from "../../parts/dom.js";
import { freeBox } from "./free_places.js";
import { hinge, inactivePart, unitLine } from "./two_features.js";

const MOST = 32;
const ARROW = 11; // pixels
const LABEL_AT = [0.86, 0.72, 0.93, 0.58, 0.44, 0.3, 0.14]; // of the way along a hinge
const HEIGHT = 14; // of a label, in pixels
const WIDTHS = { unit: 42, number: 16 };
const NARROW = 360; // a plane of fewer pixels has no room for the word

/**
 * The hinges: `draw(view, scales, taken)` places them, and their labels where nothing is in the
 * boxes `taken`; `emphasise(view, scales)` shows `view.unit`.
 *
 * Of more than 32 units, those with the largest weights of the two features are drawn, and in any
 * case the emphasised one, with its inactive side shaded.
 */
export function hingeLayer(store, area) {
  const inactive = svg("path", { class: "inactive" });
  const group = svg("g");
  const hinges = new Map();
  area.append(inactive, group);

  const nodeOf = (h) => {
    if (!hinges.has(h)) {
      hinges.set(h, hingeNode(store, h));
      group.append(hinges.get(h).node);
    }
    return hinges.get(h);
  };

  function draw({ network, window }, scales, taken) {
    const drawn = largestUnits(network);
    const boxes = [...taken];
    for (const [h, { node }] of hinges) if (!drawn.has(h)) node.style.display = "none";
    for (const h of drawn) {
      const box = placeHinge(nodeOf(h), unitLine(network, h), window, scales, boxes);
      if (box) boxes.push(box);
    }
  }

  function emphasise({ network, window, unit }, scales) {
    const line = unit === null ? null : unitLine(network, unit);
    if (line && !isDrawn(hinges.get(unit))) placeHinge(nodeOf(unit), line, window, scales, []);
    for (const [h, { node }] of hinges) node.classList.toggle("emphasised", h === unit);
    const corners = line ? inactivePart(line, window) : [];
    const places = corners.map(([x, y]) => [scales.toX(x), scales.toY(y)]);
    inactive.setAttribute("d", places.length ? `${pathThrough(places)}Z` : "");
  }

  return { draw, emphasise };
}

function largestUnits({ W1 }) {
  const hidden = W1.shape[1];
  const size = (h) => Math.hypot(W1.data[h], W1.data[hidden + h]);
  const all = Array.from({ length: hidden }, (_, h) => h);
  return new Set(hidden <= MOST ? all : all.sort((a, b) => size(b) - size(a)).slice(0, MOST));
}

function hingeNode(store, h) {
  const cell = { name: "b1", index: [h] };
  const near = svg("path", { class: "near" }); // wide and unseen, so that the line is easily hit
  const line = svg("path", { class: "line" });
  const arrow = svg("path", { class: "arrow" });
  const label = svg("text", { "text-anchor": "middle" });
  const node = svg("g", {
    class: "hinge",
    onpointerenter: () => store.hover(cell),
    onpointerleave: () => store.hover(null),
    onclick: () => store.select(cell),
  }, near, line, arrow, label);
  return { h, node, near, line, arrow, label, at: LABEL_AT[0] };
}

const isDrawn = (placed) => !!placed && placed.node.style.display !== "none";

/** Returns the box of its label; null if the hinge is not in the window. */
function placeHinge(placed, unit, window, { toX, toY, inner }, taken) {
  const { h, node, near, line, arrow, label } = placed;
  const ends = hinge(unit, window)?.map(([x, y]) => [toX(x), toY(y)]);
  node.style.display = ends ? "" : "none";
  if (!ends) return null;
  const d = pathThrough(ends);
  near.setAttribute("d", d);
  line.setAttribute("d", d);
  const [left, right] = ends.sort((one, other) => one[0] - other[0] || other[1] - one[1]);
  // The gradient of Z1 in pixels points to the active side.
  const [across, up] = [unit.p / (toX(1) - toX(0)), unit.q / (toY(1) - toY(0))];
  const scale = ARROW / (Math.hypot(across, up) || 1);
  const [toSide, toTop] = [across * scale, up * scale];
  const isNarrow = inner.width < NARROW;
  const width = isNarrow ? WIDTHS.number : WIDTHS.unit;
  const boxAt = (at) => {
    const [x, y] = [0, 1].map((axis) => (1 - at) * left[axis] + at * right[axis]);
    return {
      at, from: [x, y], width, height: HEIGHT,
      x: within(x + (isNarrow ? 1.9 : 2.6) * toSide, inner.x + width / 2,
        inner.x + inner.width - width / 2),
      y: within(y + 1.9 * toTop, inner.y + HEIGHT / 2, inner.y + inner.height - HEIGHT / 2),
    };
  };
  // Where it was, if it can stay; else near the right end, since hinges cross each other inside.
  const box = freeBox([placed.at, ...LABEL_AT].map(boxAt), taken);
  placed.at = box.at;
  arrow.setAttribute("d", arrowPath(...box.from, toSide, toTop));
  setAttributes(label, { x: box.x, y: box.y + 4 });
  label.textContent = isNarrow ? String(h) : `unit ${h}`;
  return box;
}

function within(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

/** A shaft from (x, y), and a head. */
function arrowPath(x, y, across, up) {
  const tip = [x + across, y + up];
  const wing = (turn) => [
    tip[0] - 0.4 * across + turn * 0.35 * up,
    tip[1] - 0.4 * up - turn * 0.35 * across,
  ];
  return `M${x} ${y}L${tip}M${wing(1)}L${tip}L${wing(-1)}`;
}

function pathThrough(points) {
  return `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}`;
}
