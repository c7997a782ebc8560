// The path of pinned entries, and a box to go to one by its name.

import { cellName, parseCell, placeName } from "./cells.js";
import { element } from "./dom.js";
import { shown } from "./numbers.js";
import { numberIn } from "./rules.js";

let boxes = 0;

/** Returns a function that ends it. `focus` moves the focus to an entry in the drawing. */
export function pathBar(root, store, focus) {
  const list = element("ol", {});
  const unpin = element("button", { type: "button", onclick: () => store.select(null) }, "Unpin");
  const nav = element("nav", { class: "path", "aria-label": "Path of pinned entries" }, list, unpin);
  const heard = element("span", { class: "unseen", "aria-live": "polite" });
  root.append(element("div", { class: "row goes" }, goTo(store, focus), nav, heard));

  const show = () => {
    nav.hidden = !store.path.length;
    list.replaceChildren(...store.path.map((cell) => crumb(store, cell)));
    heard.textContent = store.selected ? announced(store) : "";
  };
  show();
  return store.subscribe((what) => what.has("selection") && show());
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
