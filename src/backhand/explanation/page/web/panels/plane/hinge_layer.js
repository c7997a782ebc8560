// Hidden units in the plane: where each begins to be active.

import { setAttributes } from "../../parts/axes.js";
import { svg } from "../../parts/dom.js";
import { hinge, inactivePart, unitLine } from "./two_features.js";

const MOST = 32;
const ARROW = 11; // pixels
const LABEL_AT = 0.86; // of the way along a hinge

/**
 * The hinges: `draw(view, scales)` places them, `emphasise(view, scales)` shows `view.unit`.
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

  function draw({ network, window }, scales) {
    const drawn = largestUnits(network);
    for (const [h, { node }] of hinges) if (!drawn.has(h)) node.style.display = "none";
    for (const h of drawn) placeHinge(nodeOf(h), unitLine(network, h), window, scales);
  }

  function emphasise({ network, window, unit }, scales) {
    const line = unit === null ? null : unitLine(network, unit);
    if (line) placeHinge(nodeOf(unit), line, window, scales);
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
  const label = svg("text", { "text-anchor": "middle" }, `unit ${h}`);
  const node = svg("g", {
    class: "hinge",
    onpointerenter: () => store.hover(cell),
    onpointerleave: () => store.hover(null),
    onclick: () => store.select(cell),
  }, near, line, arrow, label);
  return { node, near, line, arrow, label };
}

function placeHinge({ node, near, line, arrow, label }, unit, window, { toX, toY, inner }) {
  const ends = hinge(unit, window)?.map(([x, y]) => [toX(x), toY(y)]);
  node.style.display = ends ? "" : "none";
  if (!ends) return;
  const d = pathThrough(ends);
  near.setAttribute("d", d);
  line.setAttribute("d", d);
  // Near its right end: in the middle, hinges cross each other.
  const [left, right] = ends.sort((one, other) => one[0] - other[0] || other[1] - one[1]);
  const [x, y] = [0, 1].map((axis) => (1 - LABEL_AT) * left[axis] + LABEL_AT * right[axis]);
  // The gradient of Z1 in pixels points to the active side.
  const [across, up] = [unit.p / (toX(1) - toX(0)), unit.q / (toY(1) - toY(0))];
  const scale = ARROW / (Math.hypot(across, up) || 1);
  const [toSide, toTop] = [across * scale, up * scale];
  arrow.setAttribute("d", arrowPath(x, y, toSide, toTop));
  setAttributes(label, {
    x: within(x + 2.6 * toSide, inner.x + 20, inner.x + inner.width - 20),
    y: within(y + 1.9 * toTop + 4, inner.y + 12, inner.y + inner.height - 4),
  });
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
