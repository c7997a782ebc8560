// The network as its matrices: Falk's scheme forward, its mirror image backward.
//
//            W1          W2            A product stands where the row of its left factor and the
//            b1          b2            column of its upper factor meet.
//     X      Z1    H1    S   P  Y      Below each value is its gradient,
//            dZ1   dH1   dS            below that, the gradient of the layer's parameters,
//            db1  (new)  db2  (new)    and beside that, the parameters after the update.
//            dW1  (new)  dW2  (new)

import { element } from "../parts/dom.js";
import { createFigure } from "./figure.js";
import { createGrid } from "./grid.js";
import { listen } from "./hands.js";
import { createLights } from "./lights.js";
import { scrollFrame } from "../parts/scroll_frame.js";
import { valueOf } from "../mathematics/rules.js";
import { firstInView } from "../parts/pacing.js";
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

const SMALLEST = 24;
const LARGEST = 36;
const PAPER = 680; // pixels across a page of A4 within its margins

/** The edge on a phone, where the drawing scrolls whatever the size, and how wide that is. */
const ON_PHONES = 30;
const PHONE = 700;

/**
 * Draw the matrices of a store in an element. Returns {reveal, focus, end}: bring the pinned entry
 * into view, move the focus to an entry.
 */
export function matricesView(root, store, windows) {
  const names = Object.keys(PLACES).filter((name) => valueOf(store.values, name));
  const grids = Object.fromEntries(names.map((name) => [name, createGrid(store, windows, name)]));
  const figures = names.map((name) => createFigure(store, windows, grids[name]));
  names.forEach((name, at) => place(figures[at].node, store, name));
  const drawing = element("div", { class: "drawing" }, figures.map((one) => one.node));
  const box = element("div", { class: "scrolls drawing-box" }, drawing);
  const geometry = measured(drawing, box, grids);
  const lights = createLights(store, grids, geometry);
  drawing.append(lights.node);
  root.append(scrollFrame(box));

  const numbers = () => names.forEach((name) => grids[name].update(isShown(store, name)));
  const light = () => {
    lights.show(visibleCell(store));
    markPinned(grids, store.selected);
  };
  const all = () => {
    figures.forEach((figure) => figure.number());
    numbers();
    light();
  };

  listen(drawing, store, windows, grids);
  windows.subscribe(all);
  const show = firstInView(box, (what) => {
    if (what.has("numbers") || what.has("stage")) numbers();
    light();
  });
  const stop = store.subscribe((what) => {
    if (figures.filter((figure) => figure.name()).length) geometry.fit();
    if (what.has("stage")) markStage(drawing, store);
    show(what);
  });
  const sizes = new ResizeObserver(() => {
    geometry.fit();
    light();
  });
  sizes.observe(box);
  geometry.fit();
  all();
  return {
    reveal: () => store.selected && reveal(root, windows, grids, store.selected),
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

/** Put a figure in its band and column. */
function place(node, store, name) {
  const [row, column] = PLACES[name];
  const columns = COLUMNS.filter((one) => one !== "M" || store.values.mask);
  node.classList.add(row);
  node.style.gridRow = ROWS.indexOf(row) + 1;
  node.style.gridColumn = columns.indexOf(column) + 1;
}

/** The entry that is lit up, unless its value is not computed yet. */
function visibleCell(store) {
  const cell = store.current;
  return cell && isShown(store, cell.name) ? cell : null;
}

/**
 * Bring an entry into its windows and into view; not while the reader types elsewhere, as in a
 * cell of a notebook, from which an entry can be pinned too.
 */
function reveal(root, windows, grids, { name, index }) {
  const grid = grids[name];
  if (!grid) return;
  windows.show(grid.letters, index);
  const { activeElement } = root.getRootNode();
  const page = root.closest(".backhand");
  if (activeElement === document.body || page.contains(activeElement))
    grid.cellAt(index).node.scrollIntoView({ block: "nearest", inline: "nearest" });
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
  const cell = selected && grids[selected.name]?.cellAt(selected.index);
  for (const grid of Object.values(grids))
    if (grid.pinned && grid.pinned !== cell) {
      grid.pinned.node.removeAttribute("aria-selected");
      grid.pinned = null;
    }
  if (!cell || grids[selected.name].pinned === cell) return;
  cell.node.setAttribute("aria-selected", "true");
  grids[selected.name].pinned = cell;
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
    let [least, most] = box.clientWidth < PHONE ? [ON_PHONES, ON_PHONES] : [SMALLEST, LARGEST];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      set(middle);
      if (drawing.offsetWidth <= box.clientWidth) least = middle;
      else most = middle - 1;
    }
    set(least);
    drawing.style.setProperty("--on-paper", Math.min(1, PAPER / drawing.offsetWidth));
    const origin = drawing.getBoundingClientRect();
    for (const grid of Object.values(grids)) {
      const { left, top } = grid.node.getBoundingClientRect();
      corners[grid.name] = { x: left - origin.left, y: top - origin.top };
    }
  };
  return { fit, place: (grid) => corners[grid.name], size: () => size };
}
