// The panel that takes an entry apart: its equation with numbers, why, and where it leads.

import { tableOf } from "./apart.js";
import { cellName, placeName } from "../../state/cells.js";
import { fullName } from "../../state/names.js";
import { numberField } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { drawProduct, productOf } from "./falk.js";
import { entryFormula } from "../../parts/formulas.js";
import { shown } from "../../parts/numbers.js";
import { firstInView } from "../../parts/pacing.js";
import { createPath } from "../path.js";
import { explainEntry, sizesOf } from "../../mathematics/rules.js";
import { isShown } from "../stages.js";
import { givenNumber, isNumber, refusal, setGivenNumber } from "../../state/given_numbers.js";
import { createTable } from "./termtable.js";
import { ways } from "./ways.js";
import { wordsOf } from "./words.js";

const HELP =
  "Point at a number, or tap it: what it is computed from lights up, and the sum appears here. " +
  "A click pins it.";

/**
 * Show the entry that is pointed at or pinned; `reveal` brings the pinned one into view, beside the
 * panel. Returns a function that ends it.
 */
export function entryPanel(root, store, reveal) {
  const scrolls = { tabindex: "0", role: "group", "aria-label": "Sum" };
  const content = element("div");
  const path = createPath(store);
  const body = element("div", { class: "entry-body", ...scrolls }, path.node, content);
  const name = "The entry, taken apart";
  const panel = element("section", { class: "entry unused", "aria-label": name }, body);
  panel.addEventListener("focusout", ({ relatedTarget }) => {
    if (!panel.contains(relatedTarget)) store.hover(null);
  });
  root.append(panel);
  const drawings = {};
  let view = null;
  // To ask where it is scrolled to would have the browser lay out the page on every move.
  let scrolled = false;
  body.addEventListener("scroll", () => (scrolled = true), { passive: true });

  // How much of the window the panel covers, for what is brought into view.
  const measure = () => root.style.setProperty("--covered", `${panel.offsetHeight}px`);
  const show = () => {
    const cell = store.current;
    const key = cell ? `${cellName(cell)} ${isShown(store, cell.name)} ${conditions(store)}` : "";
    // A pinned entry has the height that it needs. Those that are pointed at share one height, or
    // the panel would come and go under the pointer.
    const wasUnused = panel.classList.contains("unused");
    panel.classList.toggle("unused", !cell && (wasUnused || panel.classList.contains("pinned")));
    panel.classList.toggle("pinned", store.selected !== null);
    if (view?.key !== key) {
      view = { key, ...(cell ? entryView(store, cell, drawings) : helpView()) };
      replace(content, view.nodes);
      if (scrolled) body.scrollTop = 0;
      scrolled = false;
    }
    view.update();
    if (wasUnused && cell) measure();
  };
  path.update();
  show();
  const update = (what) => {
    show();
    if (!what.has("selection")) return;
    path.update();
    measure();
    reveal();
  };
  return store.subscribe(firstInView(panel, update));
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
  const field = numberField({ step: "0.05", "aria-label": `Change ${cellName(cell)}` }, {
    refuse: (value) => refusal(store, cell, value),
    onchange: (value) => setGivenNumber(store, cell, value),
  });
  const label = cell.name === "w" ? "sample weight s" : "change it";
  return {
    node: element("label", {}, label, field.node),
    update: () => field.show(givenNumber(store, cell)),
  };
}

/** The table of its terms. */
function terms(store, cell) {
  const table = createTable((one) => store.walk(one));
  const node = element("div", { class: "terms scrolls" }, table.node);
  return {
    node,
    update(found) {
      const now = tableOf(store, found);
      node.hidden = !now.head.length;
      table.update(now, found);
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
  const { what, shapes, sum } = wordsOf(cell.name, sizesOf(store.values), store.rules);
  const node = element(
    "div",
    { class: "words" },
    element("p", {}, what),
    shapes ? element("p", {}, element("b", {}, "Shapes. "), shapes) : null,
    sum ? element("p", {}, element("b", {}, "The sum "), `is ${sum}.`) : null,
  );
  return { node };
}
