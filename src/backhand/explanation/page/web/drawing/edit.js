// Given numbers, changed by typing or by dragging.

import { copy, offset } from "../mathematics/matrix.js";
import { cellName } from "../state/cells.js";
import { element } from "../parts/dom.js";
import { givenNumber, isNumber, refusal } from "../state/given_numbers.js";
import { setGivenNumber, typedNumber } from "../state/given_numbers.js";
import { isSame } from "../state/store.js";

const CHOICES = new Set(["Y", "M"]);

/** Pixels that a pointer moves before it drags; each further one is a hundredth. */
const SLACK = 4;

/** Whether a reader can change the entries of an array. */
export function isEditable(name) {
  return isNumber(name) || CHOICES.has(name);
}

/** Make a class the row's, or drop a unit in a row, or keep it. */
function choose(store, { name, index }) {
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

/** Change a given entry: an input in the place of its cell, or the choice of a class. */
export function edit(store, grid, cell) {
  if (CHOICES.has(cell.name)) return choose(store, cell);
  const input = numberInput(store, cell);
  const hint = cell.name === "w" ? "sample weight s; w = s / Σ s" : "";
  const said = element("span", { role: "status" }, hint);
  const box = element("div", { class: "typing" }, input, said);
  let open = true;
  /** The number, if it can be taken; else NaN, and the reader sees why. */
  const taken = () => {
    const value = typedNumber(input.value);
    const wrong = refusal(store, cell, value);
    input.setAttribute("aria-invalid", String(wrong !== ""));
    said.textContent = wrong || hint;
    return wrong ? NaN : value;
  };
  const end = (value) => {
    if (!open) return;
    open = false;
    box.remove();
    if (Number.isFinite(value) && value !== givenNumber(store, cell))
      setGivenNumber(store, cell, value);
  };
  const onKey = (event) => {
    event.stopPropagation();
    const value = event.key === "Enter" ? taken() : NaN;
    if (event.key === "Escape" || Number.isFinite(value)) {
      end(value);
      grid.focus(cell.index);
    }
  };
  input.addEventListener("keydown", onKey);
  // A sign alone is a number begun.
  input.addEventListener("input", () => /^[-+−.,\s]*$/u.test(input.value) || taken());
  input.addEventListener("blur", () => end(taken()));
  over(box, grid, cell);
  input.focus();
  input.select();
}

function numberInput(store, cell) {
  return element("input", {
    type: "text",
    class: "typed",
    inputmode: "decimal",
    "aria-label": `${cellName(cell)}${cell.name === "w" ? ": sample weight of the row" : ""}`,
    value: String(givenNumber(store, cell)),
  });
}

/** Put the box for a number over a cell; what it says goes to where there is more room. */
function over(box, grid, cell) {
  const place = grid.cellAt(cell.index).node.getBoundingClientRect();
  const frame = grid.node.getBoundingClientRect();
  const whole = grid.node.closest(".drawing-box").getBoundingClientRect();
  const isRight = place.left > (whole.left + whole.right) / 2;
  if (isRight) box.style.right = `${frame.right - place.right - 12}px`;
  else box.style.left = `${place.left - frame.left - 12}px`;
  box.classList.toggle("leftwards", isRight);
  box.style.top = `${place.top - frame.top}px`;
  grid.node.append(box);
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
    const value = rounded(drag.start + up * (event.shiftKey ? 0.001 : 0.01));
    if (!refusal(store, drag.cell, value)) setGivenNumber(store, drag.cell, value);
  });
  const scrolls = (event, cell) =>
    event.pointerType === "touch" && !isSame(cell, store.selected);
  const begin = (event) => {
    moved = true;
    store.hover(drag.cell);
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
