// The panel that takes an entry apart: its equation with numbers, why, and where it leads.

import { tableOf } from "./apart.js";
import { cellName, placeName } from "../../state/cells.js";
import { fullName } from "../../state/names.js";
import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { givenNumber, isNumber, setGivenNumber, typedNumber } from "../edit.js";
import { drawProduct, productOf } from "./falk.js";
import { entryFormula } from "../../parts/formulas.js";
import { shown } from "../../parts/numbers.js";
import { firstInView } from "../../parts/pacing.js";
import { createPath } from "../path.js";
import { explainEntry, sizesOf, usedBy, valueOf } from "../../mathematics/rules.js";
import { isShown } from "../stages.js";
import { createTable } from "./termtable.js";
import { wordsOf } from "./words.js";

/** Entries of one array that are listed as places to walk to. */
const LISTED = 4;

const HELP =
  "Point at any number, tap it, or move to it with the Tab and arrow keys: what it is computed " +
  "from lights up, and the sum appears here. Click it, or press the space bar, to pin it. Numbers " +
  "of X, W1, b1, W2, b2 and w can be changed: drag them up or down, or double-click (or press " +
  "Enter) and type. A double click on Y makes that class the row's.";

/** Show the entry that is pointed at or pinned. Returns a function that ends it. */
export function entryPanel(root, store) {
  const scrolls = { tabindex: "0", role: "group", "aria-label": "Sum" };
  const content = element("div");
  const path = createPath(store);
  const panel = element("section", { class: "entry unused", "aria-label": "The entry, taken apart" });
  const top = element("div", { class: "entry-top" }, path.node, sizeButton(panel));
  const body = element("div", { class: "entry-body", ...scrolls }, top, content);
  panel.append(body);
  root.append(panel);
  const drawings = {};
  let view = null;
  // To ask where it is scrolled to would have the browser lay out the page on every move.
  let scrolled = false;
  body.addEventListener("scroll", () => (scrolled = true), { passive: true });

  const show = () => {
    const cell = store.hovered ?? store.selected;
    const key = cell ? `${cellName(cell)} ${isShown(store, cell.name)} ${conditions(store)}` : "";
    // Low until it is used; then it keeps its height, or it would come and go under the pointer.
    if (cell) panel.classList.remove("unused");
    if (view?.key !== key) {
      view = { key, ...(cell ? entryView(store, cell, drawings) : helpView()) };
      replace(content, view.nodes);
      if (scrolled) body.scrollTop = 0;
      scrolled = false;
    }
    view.update();
  };
  path.update();
  show();
  const update = (what) => {
    show();
    if (what.has("selection")) path.update();
  };
  return store.subscribe(firstInView(panel, update));
}

/** Makes the panel higher, where it is docked below the drawing. */
function sizeButton(panel) {
  const toggle = () => size.setAttribute("aria-pressed", panel.classList.toggle("large"));
  const size = button("Higher", toggle, { class: "size", "aria-pressed": "false" });
  return size;
}

/** Replace what is shown; the focus, if it is there, goes to the new heading. */
function replace(content, nodes) {
  const isFocused = content.querySelector(":focus") !== null;
  content.replaceChildren(...nodes);
  if (isFocused) content.querySelector("h2")?.focus({ preventScroll: true });
}

/** What the form of an entry depends on, besides the entry. */
function conditions({ given }) {
  return [given.l2, given.mask, given.sample_weight].map(Boolean).join();
}

function helpView() {
  return { nodes: [element("p", { class: "help" }, HELP)], update() {} };
}

function entryView(store, cell, drawings) {
  if (!isShown(store, cell.name)) return laterView(cell);
  const head = heading(store, cell);
  const parts = [
    terms(store, cell),
    drawing(store, cell, drawings),
    words(store, cell),
    ways(store, cell),
  ];
  const nodes = parts.map((part) => part.node);
  return {
    nodes: [head.node, element("div", { class: "entry-parts" }, nodes)],
    update() {
      const found = explainEntry(store.values, store.rules, cell);
      [head, ...parts].forEach((part) => part.update?.(found));
    },
  };
}

function laterView(cell) {
  const text = "It is not computed yet at this step.";
  return { nodes: [element("h2", {}, cellName(cell)), element("p", {}, text)], update() {} };
}

/** The names of the entry's places, which are cut where they are long; null if there are none. */
function fullNames(store, { name, index }) {
  const along = [...store.shapes[name]].map((letter, axis) => fullName(store, letter, index[axis]));
  return along.filter(Boolean).join(", ") || null;
}

/** Name, value, equation, and an input for what is given. */
function heading(store, cell) {
  const value = element("output", {});
  const input = isNumber(cell.name) ? numberInput(store, cell) : null;
  const node = element(
    "div",
    { class: "entry-head" },
    element("h2", { tabindex: "-1" }, `${cellName(cell)} = `, value),
    element("span", { class: "quiet", title: fullNames(store, cell) }, placeName(store, cell)),
    store.rules[cell.name] ? entryFormula(cell.name, store.given) : null,
    input?.node,
  );
  return {
    node,
    update(found) {
      value.textContent = shown(found.value, 6);
      input?.update();
    },
  };
}

/** The entry as an input, for what is given: the same as dragging, from the keyboard. */
function numberInput(store, cell) {
  const name = { "aria-label": `Change ${cellName(cell)}` };
  const input = element("input", { type: "number", step: "0.05", ...name });
  input.addEventListener("input", () => {
    const value = typedNumber(input.value);
    if (Number.isFinite(value)) setGivenNumber(store, cell, value);
  });
  const label = cell.name === "w" ? "sample weight" : "change it";
  return {
    node: element("label", {}, label, input),
    update() {
      if (!input.matches(":focus")) input.value = String(givenNumber(store, cell));
    },
  };
}

/** The table of its terms. */
function terms(store, cell) {
  const table = createTable((one) => store.walk(one));
  const node = element("div", { class: "terms" }, table.node);
  return {
    node,
    update(found) {
      table.update(tableOf(store, found), found);
    },
  };
}

/** The product that the entry is part of; `drawings` keeps those of other entries, by array. */
function drawing(store, cell, drawings) {
  const product = productOf(store.rules, cell.name);
  if (!product) return { node: element("div", { hidden: true }) };
  drawings[cell.name] ??= drawProduct(store, sizesOf(store.values), product);
  const drawn = drawings[cell.name];
  drawn.mark(cell.index);
  return { node: element("div", { class: "product" }, drawn.node), update: drawn.update };
}

function words(store, cell) {
  const { what, shapes, sum } = wordsOf(cell.name, sizesOf(store.values));
  const node = element(
    "div",
    { class: "words" },
    element("p", {}, what),
    shapes ? element("p", {}, element("b", {}, "Shapes. "), shapes) : null,
    sum ? element("p", {}, element("b", {}, "The sum "), `is ${sum}.`) : null,
  );
  return { node };
}

/** Where one can walk: to what the entry is computed from, and to what is computed from it. */
function ways(store, cell) {
  const reads = grouped(explainEntry(store.values, store.rules, cell).reads);
  const uses = usedBy(store.rules, store.shapes, store.values, cell);
  const drawnUses = uses.filter(({ name }) => valueOf(store.values, name));
  return {
    node: element(
      "div",
      { class: "ways" },
      reads.length ? way(store, "Computed from", reads) : null,
      drawnUses.length ? way(store, "Used by", drawnUses) : null,
    ),
  };
}

function way(store, title, groups) {
  const items = groups.map(({ name, cells }) => {
    const rest = cells.length - LISTED;
    return element(
      "li",
      {},
      cells.slice(0, rest > 0 ? LISTED : cells.length).map((cell) => link(store, cell)),
      rest > 0 ? element("span", { class: "quiet" }, `and ${rest} more of ${name}`) : null,
    );
  });
  return element("div", {}, element("h3", {}, title), element("ul", {}, items));
}

function link(store, cell) {
  return button(cellName(cell), () => store.walk(cell), { class: "link" });
}

function grouped(cells) {
  const found = new Map();
  for (const cell of cells) found.set(cell.name, [...(found.get(cell.name) ?? []), cell]);
  return [...found].map(([name, own]) => ({ name, cells: own }));
}
