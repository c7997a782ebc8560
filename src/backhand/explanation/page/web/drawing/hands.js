// What pointer and keyboard do in the drawing.

import { edit, isEditable, letDrag } from "./edit.js";
import { givenNumber, isNumber, refusal, setGivenNumber } from "../state/given_numbers.js";
import { explainEntry } from "../mathematics/rules.js";
import { isSame } from "../state/store.js";

/** Point at entries, pin them, move among them, and change those that are given. */
export function listen(drawing, store, windows, grids) {
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
  drawing.addEventListener("focusout", ({ relatedTarget }) => {
    // The Tab key goes on from a cell to the links of its sum, which stay while it is among them.
    if (!relatedTarget?.closest(".entry")) store.hover(null);
  });
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
  const reads = (one, other) =>
    explainEntry(values, rules, one).reads.some((read) => isSame(read, other));
  if (selected && (reads(selected, cell) || reads(cell, selected))) store.walk(cell);
  else store.select(cell);
}

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** The keys that raise and lower a number, and by how much. */
const SIGNS = { "+": 1, "-": -1 };
const BY = 0.05;

function add(store, cell, change) {
  const value = Number((givenNumber(store, cell) + change).toFixed(6));
  if (!refusal(store, cell, value)) setGivenNumber(store, cell, value);
}

function onKey(event, store, windows, grid, cell) {
  if (event.key in ARROWS) store.hover(moveFocus(windows, grid, cell, ARROWS[event.key]));
  else if (event.key === "Home" || event.key === "End")
    store.hover(moveFocus(windows, grid, cell, [0, event.key === "Home" ? -Infinity : Infinity]));
  else if (event.key === "Enter" && isEditable(cell.name)) edit(store, grid, cell);
  else if (event.key === "Enter" || event.key === " ") pin(store, cell);
  else if (event.key in SIGNS && isNumber(cell.name)) add(store, cell, SIGNS[event.key] * BY);
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
    const last = from[letter] + count[letter] - 1;
    if (next[axis] < from[letter]) windows.move(letter, next[axis]);
    if (next[axis] > last) windows.move(letter, next[axis] - count[letter] + 1);
  });
  grid.focus(next);
  grid.label(next);
  return { name, index: next };
}
