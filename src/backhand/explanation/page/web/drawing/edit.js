// Given numbers, changed by typing or by dragging.

import { copy, map, offset } from "../mathematics/matrix.js";
import { cellName } from "../state/cells.js";
import { element } from "../parts/dom.js";
import { numberIn } from "../mathematics/rules.js";
import { isSame } from "../state/store.js";

/** Arrays whose entries a reader can change. */
const NUMBERS = new Set(["X", "W1", "b1", "W2", "b2", "w"]);
const CHOICES = new Set(["Y", "M"]);

/** Pixels that a pointer moves before it drags; each further one is a hundredth. */
const SLACK = 4;

export function isEditable(name) {
  return NUMBERS.has(name) || CHOICES.has(name);
}

/** Whether an entry is a number to be typed or dragged; labels and masks are chosen instead. */
export function isNumber(name) {
  return NUMBERS.has(name);
}

/** The number that is given: of w, it is the sample weight, 1 if there are none. */
export function givenNumber(store, cell) {
  if (cell.name !== "w") return numberIn(store.values, cell);
  return store.given.sample_weight?.data[cell.index[0]] ?? 1;
}

export function setGivenNumber(store, cell, value) {
  if (cell.name !== "w") store.setNumber(cell.name, cell.index, value);
  else setSampleWeight(store, cell.index[0], Math.max(0, value));
}

function setSampleWeight(store, row, value) {
  const ones = () => map(() => 1, store.values.w);
  const weights = store.given.sample_weight ? copy(store.given.sample_weight) : ones();
  weights.data[row] = value;
  store.setGiven({ sample_weight: weights });
}

/** Make a class the row's, or drop a unit in a row, or keep it. */
export function choose(store, { name, index }) {
  const changed = copy(name === "Y" ? store.given.Y : store.given.mask);
  if (name === "Y") {
    const [row, chosen] = index;
    for (let k = 0; k < changed.shape[1]; k++)
      changed.data[offset(changed, [row, k])] = Number(k === chosen);
    store.setGiven({ Y: changed });
  } else {
    const at = offset(changed, index);
    changed.data[at] = changed.data[at] ? 0 : kept(changed);
    store.setGiven({ mask: changed });
  }
}

/** What a unit that is not dropped is multiplied by. */
function kept(mask) {
  return mask.data.reduce((most, value) => Math.max(most, value), 0) || 1;
}

/** A number from a text, with a minus sign or decimal comma of any kind; NaN if it is none. */
export function typedNumber(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  return plain ? Number(plain) : NaN;
}

/** Change a given entry: an input in the place of its cell, or the choice of a class. */
export function edit(store, grid, cell) {
  if (CHOICES.has(cell.name)) return choose(store, cell);
  const input = numberInput(store, cell);
  let open = true;
  const end = (value) => {
    if (!open) return;
    open = false;
    input.remove();
    if (Number.isFinite(value) && value !== givenNumber(store, cell))
      setGivenNumber(store, cell, value);
  };
  const onKey = (event) => {
    event.stopPropagation();
    const value = typedNumber(input.value);
    if (event.key === "Enter" && !Number.isFinite(value))
      input.setAttribute("aria-invalid", "true");
    else if (event.key === "Enter" || event.key === "Escape") {
      end(event.key === "Enter" ? value : NaN);
      grid.focus(cell.index);
    }
  };
  input.addEventListener("keydown", onKey);
  input.addEventListener("input", () => input.removeAttribute("aria-invalid"));
  input.addEventListener("blur", () => end(typedNumber(input.value)));
  over(input, grid, cell);
  input.focus();
  input.select();
}

function numberInput(store, cell) {
  const what = cell.name === "w" ? ": sample weight of the row" : "";
  return element("input", {
    class: "typed",
    type: "text",
    inputmode: "decimal",
    "aria-label": `${cellName(cell)}${what}`,
    value: String(givenNumber(store, cell)),
  });
}

/** Put an input over a cell. */
function over(input, grid, cell) {
  const box = grid.cellAt(cell.index).node.getBoundingClientRect();
  const frame = grid.node.getBoundingClientRect();
  input.style.left = `${box.left - frame.left - 12}px`;
  input.style.top = `${box.top - frame.top}px`;
  grid.node.append(input);
}

/**
 * Let given numbers of an element be dragged up and down. `cellOf` finds the cell of an event.
 *
 * With a finger, the page scrolls instead, unless the entry is pinned (matrices.css). Returns a
 * function that says whether the pointer that was last pressed has dragged: its click is no click.
 */
export function letDrag(root, store, cellOf) {
  let drag = null;
  let moved = false;
  root.addEventListener("pointerdown", (event) => {
    const cell = cellOf(event);
    const mayDrag = cell && isNumber(cell.name) && event.button === 0 && !scrolls(event, cell);
    drag = mayDrag ? { cell, from: event.clientY, start: givenNumber(store, cell) } : null;
    moved = false;
  });
  root.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const up = drag.from - event.clientY;
    if (!moved && Math.abs(up) < SLACK) return;
    if (!moved) begin(event);
    setGivenNumber(store, drag.cell, rounded(drag.start + up * (event.shiftKey ? 0.001 : 0.01)));
  });
  const scrolls = (event, cell) =>
    event.pointerType === "touch" && !isSame(cell, store.selected);
  const begin = (event) => {
    moved = true;
    root.setPointerCapture(event.pointerId);
    root.classList.add("dragging");
  };
  const end = () => {
    root.classList.remove("dragging");
    drag = null;
  };
  root.addEventListener("pointerup", end);
  root.addEventListener("pointercancel", end);
  return () => moved;
}

/** Without the binary digits of a sum: 0.30000000000000004 is 0.3. */
const rounded = (value) => Number(value.toFixed(6));
