// Rows in the plane: marks by class, which can be moved.

import { svg } from "../../parts/dom.js";
import { copy, entry, offset } from "../../mathematics/matrix.js";
import { classMark } from "./plane_drawing.js";
import { largestInRow, predictedLogits } from "../../mathematics/predictions.js";

const MOST = 300;
const SIZE = 16; // pixels
const MOVED = 3; // pixels, from which on a press is a move and not a click

/**
 * The rows, at most 300: `draw(view, scales)` places them and returns their boxes (free_places.js),
 * `emphasise(view)` shows `view.near`.
 */
export function rowLayer(store, area) {
  const group = svg("g");
  area.append(group);
  const count = Math.min(store.given.X.shape[0], MOST);
  let latest = null;
  const marks = Array.from({ length: count }, (_, n) => rowMark(store, n, () => latest));
  group.append(...marks.map(({ node }) => node));

  function draw(view, scales) {
    latest = { pair: view.pair, ...scales };
    const { X, Y } = store.given;
    const S = predictedLogits(store);
    return marks.map((mark, n) => {
      const [across, up] = view.pair.map((feature) => entry(X, [n, feature]));
      const [x, y] = [scales.toX(across), scales.toY(up)];
      mark.node.setAttribute("transform", `translate(${x} ${y})`);
      mark.show(largestInRow(Y, n));
      mark.node.classList.toggle("wrong", largestInRow(S, n) !== largestInRow(Y, n));
      return { x, y, width: SIZE, height: SIZE };
    });
  }

  function emphasise({ near }) {
    marks.forEach(({ node }, n) => node.classList.toggle("emphasised", near === n));
  }

  return { draw, emphasise };
}

function rowMark(store, n, view) {
  const ring = svg("circle", { class: "ring", r: 11 });
  const title = svg("title", {}, store.names.n[n]);
  const node = svg("g", { class: "row-mark" }, title, ring);
  let shownClass = null;
  const cell = () => ({ name: "X", index: [n, view().pair[0]] });
  node.addEventListener("pointerenter", () => store.hover(cell()));
  node.addEventListener("pointerleave", () => store.hover(null));
  movable(node, {
    click: () => store.select(cell()),
    move: (event) => moveRow(store, n, view().pair, view().fromPointer(event)),
  });
  const show = (k) => {
    if (k === shownClass) return;
    node.querySelector(".class-mark")?.remove();
    node.append(classMark(k));
    shownClass = k;
  };
  return { node, show };
}

function moveRow(store, n, pair, place) {
  const X = copy(store.given.X);
  pair.forEach((feature, at) => (X.data[offset(X, [n, feature])] = place[at]));
  store.setGiven({ X });
}

/** Call `move` while a node is dragged, `click` if it was pressed and not moved. */
function movable(node, { click, move }) {
  let start = null;
  let moved = false;
  node.addEventListener("pointerdown", (event) => {
    start = [event.clientX, event.clientY];
    moved = false;
    node.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  node.addEventListener("pointermove", (event) => {
    if (!start) return;
    moved ||= Math.hypot(event.clientX - start[0], event.clientY - start[1]) > MOVED;
    if (moved) move(event);
  });
  node.addEventListener("pointerup", () => {
    if (start && !moved) click();
    start = null;
  });
  node.addEventListener("pointercancel", () => (start = null));
}
