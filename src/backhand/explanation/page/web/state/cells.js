// Cells and their names: {name: "dW1", index: [3, 7]} is "dW1[3,7]".

import { valueOf } from "../mathematics/rules.js";
import { ownName, withName } from "./names.js";

export function cellName({ name, index }) {
  return index.length ? `${name}[${index.join(",")}]` : name;
}

/** What its indices stand for: "feature 3 (flipper length), unit 7". */
export function placeName(store, { name, index }) {
  return [...store.shapes[name]]
    .map((letter, axis) => axisPlace(store, letter, index[axis]))
    .join(", ");
}

/** "row 2 (Gentoo)", or "row 2" where it has no name of its own. */
function axisPlace(store, letter, place) {
  const numbered = `${store.contents.axes[letter]} ${place}`;
  return withName(numbered, ownName(store, letter, place));
}

/** The cell of a text such as "dW1[3,7]", or an error that says what is wrong. */
export function parseCell(store, text) {
  const found = /^\s*(new\s+)?([A-Za-z]\w*)\s*(?:\[([^\]]*)\])?\s*$/u.exec(text);
  if (!found)
    throw new Error(`${text || "Nothing"} is not an entry; write one such as ${sampleName(store)}`);
  const name = writtenAs(store, (found[1] ? "new " : "") + found[2]);
  const array = Object.hasOwn(store.shapes, name) && valueOf(store.values, name);
  if (!array) throw new Error(`There is no ${name}; there are ${arraysOf(store).join(", ")}`);
  const index = (found[3] ?? "").split(",").filter((part) => part.trim()).map(Number);
  checkIndex(name, array.shape, index);
  return { name, index };
}

/** The name of an entry that there is: the last of dW1. */
export function sampleName(store) {
  return cellName({ name: "dW1", index: store.values.W1.shape.map((size) => size - 1) });
}

/** The name of an array, whichever its letters' case. */
function writtenAs(store, name) {
  const isName = (own) => own.toLowerCase() === name.toLowerCase();
  return Object.hasOwn(store.shapes, name) ? name : (Object.keys(store.shapes).find(isName) ?? name);
}

function checkIndex(name, shape, index) {
  if (index.length !== shape.length)
    throw new Error(
      shape.length
        ? `${name} has ${indices(shape.length)}; its shape is (${shape.join(", ")})`
        : `${name} is one number; write ${name}`,
    );
  index.forEach((place, axis) => {
    if (!Number.isInteger(place) || place < 0 || place >= shape[axis])
      throw new Error(
        `${cellName({ name, index })} does not exist: ` +
          `index ${axis} must be a whole number from 0 to ${shape[axis] - 1}`,
      );
  });
}

const indices = (count) => (count === 1 ? "one index" : "two indices");

function arraysOf(store) {
  return Object.keys(store.shapes).filter((name) => valueOf(store.values, name));
}
