// Where one can walk from an entry: back to what it is computed from, on to what is computed from it.

import { cellName } from "../../state/cells.js";
import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { explainEntry, usedBy, valueOf } from "../../mathematics/rules.js";

/** Entries of one array that are listed as places to walk to. */
const LISTED = 4;

/** Where one can walk: to what the entry is computed from, and to what is computed from it. */
export function ways(store, cell) {
  const reads = grouped(explainEntry(store.values, store.rules, cell).reads);
  const uses = usedBy(store.rules, store.shapes, store.values, cell);
  const drawnUses = uses.filter(({ name }) => valueOf(store.values, name));
  return {
    node: element(
      "div",
      { class: "ways" },
      isGradient(cell) ? derivative(store, cell) : null,
      reads.length ? way(store, "Computed from", reads) : null,
      drawnUses.length ? way(store, "Used by", drawnUses) : null,
    ),
  };
}

const isGradient = ({ name }) => name.startsWith("d");

/** The end of the walk back: every gradient is one of L, with respect to the entry without d. */
function derivative(store, { name, index }) {
  const by = { name: name.slice(1), index };
  const parts = [link(store, { name: "L", index: [] }), "with respect to", link(store, by)];
  return element(
    "div",
    {},
    element("h3", {}, "Derivative of"),
    element("ul", {}, element("li", {}, parts), name === "dS" ? softmaxLink() : null),
  );
}

/** The step from L to dS has a panel of its own, which shows the row of the pinned entry. */
function softmaxLink() {
  const show = ({ target }) => {
    const panel = target.closest(".backhand").querySelector(".panel.softmax");
    panel?.scrollIntoView({ block: "start" });
    panel?.querySelector("select, input").focus({ preventScroll: true });
  };
  return element("li", {}, button("From L to dS: the softmax panel", show, { class: "link" }));
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
