// The network as its matrices: Falk's scheme forward, its mirror image backward.
//
//            W1          W2            A product stands where the row of its left factor and the
//            b1          b2            column of its upper factor meet.
//     X      Z1    H1    S   P  Y      Below each value is its gradient,
//            dZ1   dH1   dS            below that, the gradient of the layer's parameters,
//            db1  (new)  db2  (new)    and beside that, the parameters after the update.
//            dW1  (new)  dW2  (new)

import { element } from "./dom.js";
import { edit, isEditable, letDrag } from "./edit.js";
import { formula, rightSide } from "./formulas.js";
import { createGrid, createTicks } from "./grid.js";
import { createLights } from "./lights.js";
import { explainEntry, valueOf } from "./rules.js";
import { isSame } from "./store.js";
import { isShown, namesAt } from "./stages.js";

/** Row and column of the drawing for each array. */
const PLACES = {
  W1: ["weights", "Z1"], W2: ["weights", "S"],
  b1: ["biases", "Z1"], b2: ["biases", "S"],
  X: ["forward", "X"], Z1: ["forward", "Z1"], M: ["forward", "M"], H1: ["forward", "H1"],
  S: ["forward", "S"], P: ["forward", "P"], Y: ["forward", "Y"], losses: ["forward", "losses"],
  w: ["forward", "w"], L: ["forward", "L"],
  dZ1: ["backward", "Z1"], dH1: ["backward", "H1"], dS: ["backward", "S"],
  db1: ["db", "Z1"], "new b1": ["db", "H1"], db2: ["db", "S"], "new b2": ["db", "P"],
  dW1: ["dW", "Z1"], "new W1": ["dW", "H1"], dW2: ["dW", "S"], "new W2": ["dW", "P"],
};

/** Bands and columns of the drawing; a column that has no array is left out. */
const ROWS = ["weights", "biases", "forward", "backward", "db", "dW"];
const COLUMNS = ["X", "Z1", "M", "H1", "S", "P", "Y", "losses", "w", "L"];

/** Index numbers and names along the edges: [letter, side]. */
const TICKS = {
  W1: [["i", "left"], ["h", "top"]], W2: [["h", "left"], ["k", "top"], ["k", "legend"]],
  X: [["n", "left"], ["i", "top"]],
  dW1: [["i", "left"]], dW2: [["h", "left"]],
};

/** Columns too narrow for their equation, which stands below them instead, each a line lower. */
const BELOW = { losses: 1, w: 2, L: 3 };

const SMALLEST = 24;
const LARGEST = 36;

/**
 * Draw the matrices of a store in an element. Returns {focus}: move the focus to an entry.
 */
export function matricesView(root, store, windows) {
  const names = Object.keys(PLACES).filter((name) => valueOf(store.values, name));
  const grids = Object.fromEntries(names.map((name) => [name, createGrid(store, windows, name)]));
  const ticks = [];
  const figures = names.map((name) => figure(store, windows, grids[name], ticks));
  const drawing = element("div", { class: "drawing" }, figures);
  const box = element("div", { class: "scrolls drawing-box" }, drawing);
  const geometry = measured(drawing, box, grids);
  const lights = createLights(store, grids, geometry);
  drawing.append(lights.node);
  root.append(box);

  const numbers = () => names.forEach((name) => grids[name].update(isShown(store, name)));
  const light = () => {
    lights.show(visibleCell(store));
    markPinned(grids, store.selected);
  };
  const all = () => {
    ticks.forEach((one) => one.update());
    numbers();
    light();
  };

  listen(drawing, store, windows, grids);
  windows.subscribe(all);
  const stop = store.subscribe((what) => {
    if (what.has("numbers") || what.has("changes")) caption(store, figures);
    if (what.has("selection") && store.selected) reveal(windows, grids, store, store.selected);
    if (what.has("numbers") || what.has("stage") || what.has("changes")) numbers();
    if (what.has("stage")) markStage(drawing, store);
    light();
  });
  const sizes = new ResizeObserver(() => {
    geometry.fit();
    light();
  });
  sizes.observe(box);
  all();
  geometry.fit();
  return {
    focus(cell) {
      windows.show(store.shapes[cell.name], cell.index);
      grids[cell.name]?.focus(cell.index);
    },
    end() {
      stop();
      sizes.disconnect();
    },
  };
}

/** The entry that is lit up, unless its value is not computed yet. */
function visibleCell(store) {
  const cell = store.hovered ?? store.selected;
  return cell && isShown(store, cell.name) ? cell : null;
}

function figure(store, windows, grid, ticks) {
  const { name } = grid;
  const [row, column] = PLACES[name];
  const columns = COLUMNS.filter((one) => one !== "M" || store.values.mask);
  const edges = (TICKS[name] ?? []).map(([letter, side]) => createTicks(store, windows, letter, side));
  ticks.push(...edges);
  const more = [grid.rowLetter, grid.columnLetter].filter((letter) => windows.partial.includes(letter));
  const place = `grid-row: ${ROWS.indexOf(row) + 1}; grid-column: ${columns.indexOf(column) + 1};`;
  const node = element(
    "figure",
    { class: `matrix ${row} ${more.length ? "part" : ""}`, "data-name": name, style: place },
    element("figcaption", {}),
    element("div", { class: "body" }, body(grid, edges)),
  );
  if (isEditable(name)) node.classList.add("given");
  node.caption = captionOf(store, windows.sizes, name);
  node.querySelector("figcaption").append(...node.caption.lines());
  return node;
}

/** The cells, with index numbers to the left of them and above, and names of classes beside. */
function body(grid, edges) {
  const left = edges.filter(({ side }) => side === "left").map(({ node }) => node);
  const others = edges.filter(({ side }) => side !== "left").map(({ node }) => node);
  return [...left, element("div", { class: "cells" }, others, grid.node)];
}

/** Name, equation and shape; `key` says when they have to be written anew. */
function captionOf(store, sizes, name) {
  const shape = [...store.shapes[name]].map((letter) => sizes[letter]);
  const shapeText = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const terms = () => ({ mask: store.given.mask, l2: store.given.l2, sample_weight: store.given.sample_weight });
  return {
    key: () => Object.values(terms()).map(Boolean).join(),
    lines() {
      const label = element("span", { class: "shape" }, shape.length ? shapeText : "a number");
      if (!store.rules[name] && name !== "w") return [element("b", {}, name), label];
      if (BELOW[name]) {
        const equation = element("span", { class: "below", style: `--lower: ${BELOW[name]}` }, formula(name, terms()));
        return [element("b", {}, name), label, equation];
      }
      if (!name.startsWith("new ")) return [element("span", {}, formula(name, terms())), label];
      return [
        element("span", {}, element("b", {}, name), " ", label),
        element("span", {}, "= ", rightSide(name, terms())),
      ];
    },
  };
}

/** Write the captions anew whose terms have come or gone: λ, weights of rows. */
function caption(store, figures) {
  for (const node of figures) {
    const key = node.caption.key();
    if (node.captionKey !== undefined && node.captionKey !== key)
      node.querySelector("figcaption").replaceChildren(...node.caption.lines());
    node.captionKey = key;
  }
}

/** Bring an entry into its windows and into view. */
function reveal(windows, grids, store, { name, index }) {
  windows.show(store.shapes[name], index);
  grids[name]?.cellAt(index).node.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function markStage(drawing, store) {
  const current = store.stage ? namesAt(store.stage) : [];
  const first = drawing.querySelector(`[data-name="${current[0]}"]`);
  first?.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const node of drawing.querySelectorAll(".matrix")) {
    node.classList.toggle("current", current.includes(node.dataset.name));
    node.classList.toggle("later", !isShown(store, node.dataset.name));
  }
}

function markPinned(grids, selected) {
  for (const grid of Object.values(grids))
    if (grid.pinned) {
      grid.pinned.node.removeAttribute("aria-selected");
      grid.pinned = null;
    }
  const grid = selected && grids[selected.name];
  const cell = grid?.cellAt(selected.index);
  if (!cell) return;
  cell.node.setAttribute("aria-selected", "true");
  grid.pinned = cell;
}

/** Where the cells are, and how large: as large as the box's width allows. */
function measured(drawing, box, grids) {
  const corners = {};
  let size = SMALLEST;
  const set = (edge) => {
    size = edge;
    drawing.style.setProperty("--cell", `${edge}px`);
  };
  const fit = () => {
    let [least, most] = [SMALLEST, LARGEST];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      set(middle);
      if (drawing.offsetWidth <= box.clientWidth) least = middle;
      else most = middle - 1;
    }
    set(least);
    const origin = drawing.getBoundingClientRect();
    for (const grid of Object.values(grids)) {
      const { left, top } = grid.node.getBoundingClientRect();
      corners[grid.name] = { x: left - origin.left, y: top - origin.top };
    }
  };
  return { fit, place: (grid) => corners[grid.name], size: () => size };
}

/** What pointer and keyboard do in the drawing. */
function listen(drawing, store, windows, grids) {
  const placeOf = (event) => event.target.closest?.(".cell")?.place;
  const cellOf = (event) => {
    const place = placeOf(event);
    return place && { name: place.grid.name, index: place.grid.indexAt(place.r, place.c) };
  };
  const hasDragged = letDrag(drawing, store, cellOf);

  drawing.addEventListener("pointerover", (event) => {
    if (!drawing.classList.contains("dragging")) store.hover(cellOf(event) ?? null);
  });
  drawing.addEventListener("pointerleave", () => store.hover(null));
  drawing.addEventListener("focusin", (event) => {
    const place = placeOf(event);
    if (!place) return;
    place.grid.reach(place.r, place.c);
    place.grid.label(place.grid.indexAt(place.r, place.c));
    if (event.target.matches(":focus-visible")) store.hover(cellOf(event));
  });
  drawing.addEventListener("focusout", () => store.hover(null));
  drawing.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (cell && !hasDragged()) pin(store, cell);
  });
  drawing.addEventListener("dblclick", (event) => {
    const cell = cellOf(event);
    if (cell && isEditable(cell.name)) edit(store, grids[cell.name], cell);
  });
  drawing.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (cell) onKey(event, store, windows, grids[cell.name], cell);
  });
}

/** Pin an entry; if it is next to the pinned one in the derivation, the path goes on to it. */
function pin(store, cell) {
  const { values, rules, selected } = store;
  const reads = (one, other) => explainEntry(values, rules, one).reads.some((read) => isSame(read, other));
  if (selected && (reads(selected, cell) || reads(cell, selected))) store.walk(cell);
  else store.select(cell);
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function onKey(event, store, windows, grid, cell) {
  if (event.key in ARROWS) store.hover(moveFocus(windows, grid, cell, ARROWS[event.key]));
  else if (event.key === "Home" || event.key === "End")
    store.hover(moveFocus(windows, grid, cell, [0, event.key === "Home" ? -Infinity : Infinity]));
  else if (event.key === "Enter" && isEditable(cell.name)) edit(store, grid, cell);
  else if (event.key === "Enter" || event.key === " ") pin(store, cell);
  else if (event.key === "Escape") store.select(null);
  else return;
  event.preventDefault();
}

/** To the next cell; at the edge of a window, the window moves. */
function moveFocus(windows, grid, { name, index }, [down, right]) {
  const steps = { [grid.rowLetter]: down, [grid.columnLetter]: right };
  const next = [...grid.letters].map((letter, axis) =>
    Math.max(0, Math.min(windows.sizes[letter] - 1, index[axis] + steps[letter])),
  );
  [...grid.letters].forEach((letter, axis) => {
    const { from, count } = windows;
    if (next[axis] < from[letter]) windows.move(letter, next[axis]);
    if (next[axis] >= from[letter] + count[letter]) windows.move(letter, next[axis] - count[letter] + 1);
  });
  grid.focus(next);
  grid.label(next);
  return { name, index: next };
}
