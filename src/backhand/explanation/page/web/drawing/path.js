// The path of pinned entries, and a box to go to one by its name.

import { cellName, parseCell, placeName, sampleName } from "../state/cells.js";
import { button } from "../parts/controls.js";
import { element } from "../parts/dom.js";
import { shown } from "../parts/numbers.js";
import { numberIn } from "../mathematics/rules.js";

/** The path, in the panel of the entry. Returns {node, update}. */
export function createPath(store) {
  const list = element("ol", {});
  const node = element("nav", { class: "path", "aria-label": "Path of pinned entries" });
  const back = button("Back to the text", () => goBack(store.cameFrom));
  node.append(list, back, button("Unpin", () => store.select(null)));
  return {
    node,
    update() {
      node.hidden = !store.path.length;
      const isFocused = list.querySelector(":focus") !== null;
      list.replaceChildren(...store.path.map((cell) => crumb(store, cell)));
      back.hidden = !store.cameFrom?.isConnected;
      if (isFocused) list.lastChild?.querySelector("button").focus();
    },
  };
}

/**
 * The box for the name of an entry, and what screen readers hear when an entry is pinned. Returns a
 * function that ends it. `focus` moves the focus to an entry in the drawing.
 */
export function goToBar(root, store, focus) {
  const heard = element("span", { class: "unseen", "aria-live": "polite" });
  const box = goTo(store, focus);
  root.append(box, heard);
  const stop = store.subscribe((what) => {
    if (what.has("selection")) heard.textContent = store.selected ? announced(store) : "";
  });
  return () => {
    stop();
    box.remove();
    heard.remove();
  };
}

/** To what an entry was pinned from; null if another has been pinned since. */
function goBack(element) {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "center" });
}

function crumb(store, cell) {
  const current = cell === store.path.at(-1) ? "true" : null;
  const attributes = { class: "link", "aria-current": current };
  return element("li", {}, button(cellName(cell), () => store.walk(cell), attributes));
}

function announced(store) {
  const cell = store.selected;
  const value = shown(numberIn(store.values, cell));
  return `Pinned: ${cellName(cell)} = ${value}. ${placeName(store, cell)}`;
}

function goTo(store, focus) {
  const wrong = element("span", { class: "wrong", role: "status" });
  const box = element("input", {
    type: "text",
    size: 8,
    placeholder: sampleName(store),
    spellcheck: "false",
    autocomplete: "off",
  });
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
