// Buttons that pin an entry, so that the drawing shows where it comes from.

import { cellName } from "../state/cells.js";
import { element } from "./dom.js";

/** A button named like the entry; `read` gives the cell, which may change with the numbers. */
export function cellLink(store, live, read) {
  const button = element("button", { type: "button", class: "link cell-link" });
  button.append(live.text(() => cellName(read())));
  button.addEventListener("click", () => pin(store, button, read()));
  return button;
}

/** A button with the number of an entry. */
export function cellNumber(store, live, read, text) {
  const button = element("button", { type: "button", class: "link cell-number" });
  button.append(live.text(text));
  live.attribute(button, "aria-label", () => `${cellName(read())}: ${text()}`);
  live.attribute(button, "title", () => cellName(read()));
  button.addEventListener("click", () => pin(store, button, read()));
  return button;
}

function pin(store, button, cell) {
  store.select(cell, button);
  const view = button.closest(".backhand")?.querySelector(".entry");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  view?.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
}
