// An array in the drawing: its name, equation and shape, and its cells with their index numbers.

import { element } from "../parts/dom.js";
import { isEditable } from "./edit.js";
import { formula, rightSide } from "../parts/formulas.js";
import { createTicks } from "./grid.js";

/** Index numbers and names along the edges: [letter, side]. */
const TICKS = {
  W1: [["i", "left"], ["h", "top"]], W2: [["h", "left"], ["k", "top"], ["k", "beside"]],
  X: [["n", "left"], ["i", "top"]],
  dW1: [["i", "left"]], dW2: [["h", "left"]],
};

/** Columns too narrow for their equation, which stands below them instead, each a line lower. */
const BELOW = { losses: 1, w: 2, L: 3 };

/**
 * Returns {node, number, name}: `number` writes the index numbers anew; `name` the equation, if
 * its terms have come or gone, and returns whether they have.
 */
export function createFigure(store, windows, grid) {
  const { name, rowLetter, columnLetter } = grid;
  const edges = (TICKS[name] ?? []).map((edge) => createTicks(store, windows, ...edge));
  const caption = element("figcaption", {}, lines(store, windows, name));
  const isPart = windows.partial.some((letter) => letter === rowLetter || letter === columnLetter);
  const kinds = ["matrix", isPart && "part", isEditable(name) && "given"].filter(Boolean);
  let terms = termsOf(store);
  return {
    node: element(
      "figure",
      { class: kinds.join(" "), "data-name": name },
      caption,
      element("div", { class: "body" }, body(grid, edges)),
    ),
    number() {
      edges.forEach((edge) => edge.update());
      grid.number();
    },
    name() {
      if (terms === termsOf(store)) return false;
      terms = termsOf(store);
      caption.replaceChildren(...lines(store, windows, name));
      return true;
    },
  };
}

/** Which terms the equations have that depend on the problem: masks, λ, weights of rows. */
function termsOf({ given }) {
  return [given.mask, given.l2, given.sample_weight].map(Boolean).join();
}

/** The cells, with index numbers to the left of them and above, and names of classes beside. */
function body(grid, edges) {
  const left = edges.filter(({ side }) => side === "left").map(({ node }) => node);
  const others = edges.filter(({ side }) => side !== "left").map(({ node }) => node);
  return [...left, element("div", { class: "cells" }, others, grid.node)];
}

/** Name or equation, and shape. */
function lines(store, windows, name) {
  const shape = [...store.shapes[name]].map((letter) => windows.sizes[letter]);
  const text = shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "a number";
  const label = element("span", { class: "shape" }, text);
  const title = element("b", {}, name);
  if (BELOW[name]) {
    const lower = { class: "below", style: `--lower: ${BELOW[name]}` };
    return [title, label, element("span", lower, formula(name, store.given))];
  }
  if (!store.rules[name]) return [title, label];
  if (name.startsWith("new ")) {
    const equation = element("span", {}, "= ", rightSide(name, store.given));
    return [element("span", {}, title, " ", label), equation];
  }
  return [element("span", {}, formula(name, store.given)), label];
}
