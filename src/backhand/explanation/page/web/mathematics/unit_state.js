// What a hidden unit does on the rows of the page, and what steps on these rows can change.

import { entry } from "./matrix.js";

/** Where unit h passes row n: Z1 is above 0, and dropout has not left it out. */
export function passes({ Z1, mask }, n, h) {
  return entry(Z1, [n, h]) > 0 && !isDropped({ mask }, n, h);
}

export function isDropped({ mask }, n, h) {
  return !!mask && entry(mask, [n, h]) === 0;
}

/** How many rows have Z1 > 0, how many are passed, the largest Z1, and whether all are <= 0. */
export function unitState(values, h) {
  const { Z1 } = values;
  const [rows] = Z1.shape;
  const state = { rows, above: 0, passed: 0, largest: -Infinity, dead: true };
  for (let n = 0; n < rows; n++) {
    const z = entry(Z1, [n, h]);
    state.above += z > 0;
    state.passed += passes(values, n, h);
    state.largest = Math.max(state.largest, z);
    state.dead &&= z <= 0;
  }
  return state;
}

/** The units that have Z1 <= 0 on all rows. */
export function deadUnits(values) {
  const [, units] = values.Z1.shape;
  return Array.from({ length: units }, (_, h) => h).filter((h) => unitState(values, h).dead);
}

/** Of a unit in an array whose shape is given by letters: the entry of largest absolute value. */
export function largestEntry(values, shapes, name, h, sizeOf = Math.abs) {
  const a = values[name];
  const axis = shapes[name].indexOf("h");
  const across = a.shape.length === 1 ? 1 : a.shape[1 - axis];
  const indexOf = (other) => (a.shape.length === 1 ? [h] : axis ? [other, h] : [h, other]);
  let best = indexOf(0);
  for (let other = 1; other < across; other++)
    if (sizeOf(entry(a, indexOf(other))) > sizeOf(entry(a, best))) best = indexOf(other);
  return { name, index: best };
}

/**
 * After how many updates the penalty alone revives a dead unit whose b1 is above 0, for 0 < ηλ < 1.
 *
 * A dead unit has no gradient but λ W1, so each update multiplies its weights by 1 − ηλ and leaves
 * b1. After t updates, its largest Z1 is b1 + (1 − ηλ)^t (largest − b1).
 */
export function updatesToRevival({ Z1, b1, l2, learning_rate: eta }, h) {
  const bias = b1.data[h];
  const { largest } = unitState({ Z1 }, h);
  return Math.floor(Math.log(bias / (bias - largest)) / Math.log(1 - eta * l2)) + 1;
}
