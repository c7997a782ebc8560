// The path of pinned entries, and a box to go to one by its name.

import { cellName, parseCell, placeName } from "./cells.js";
import { element } from "./dom.js";
import { shown } from "./numbers.js";
import { numberIn } from "./rules.js";

let boxes = 0;

/** The path, in the panel of the entry. Returns {node, update}. */
export function createPath(store) {
  const list = element("ol", {});
  const unpin = element("button", { type: "button", onclick: () => store.select(null) }, "Unpin");
  const node = element("nav", { class: "path", "aria-label": "Path of pinned entries" }, list, unpin);
  return {
    node,
    update() {
      node.hidden = !store.path.length;
      list.replaceChildren(...store.path.map((cell) => crumb(store, cell)));
    },
  };
}

/**
 * The box above the drawing, and what screen readers hear when an entry is pinned. Returns a
 * function that ends it. `focus` moves the focus to an entry in the drawing.
 */
export function goToBar(root, store, focus) {
  const heard = element("span", { class: "unseen", "aria-live": "polite" });
  root.append(goTo(store, focus), heard);
  return store.subscribe((what) => {
    if (what.has("selection")) heard.textContent = store.selected ? announced(store) : "";
  });
}

function crumb(store, cell) {
  const isLast = cell === store.path.at(-1);
  const button = element("button", { class: "link", type: "button", onclick: () => store.walk(cell) }, cellName(cell));
  if (isLast) button.setAttribute("aria-current", "true");
  return element("li", {}, button);
}

function announced(store) {
  const cell = store.selected;
  return `Pinned: ${cellName(cell)} = ${shown(numberIn(store.values, cell))}, ${placeName(store, cell)}`;
}

function goTo(store, focus) {
  const id = `backhand-wrong-${boxes++}`;
  const wrong = element("span", { class: "wrong", role: "status", id });
  const box = element("input", { type: "text", size: 11, placeholder: "dW1[3,7]", "aria-describedby": id, spellcheck: "false", autocomplete: "off" });
  const go = (event) => {
    event.preventDefault();
    try {
      const cell = parseCell(store, box.value);
      wrong.textContent = "";
      box.removeAttribute("aria-invalid");
      store.select(cell);
      focus(cell);
    } catch (error) {
      wrong.textContent = error.message;
      box.setAttribute("aria-invalid", "true");
    }
  };
  return element(
    "form",
    { class: "go-to", onsubmit: go },
    element("label", {}, "Go to", box),
    element("button", { type: "submit" }, "Go"),
    wrong,
  );
}
