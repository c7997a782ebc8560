// What a hidden unit does on the rows of the page, and what steps on these rows can change.

import { entry } from "./matrix.js";

/** Where unit h passes row n: Z1 is above 0, and dropout has not left it out. */
export function passes({ Z1, mask }, n, h) {
  return entry(Z1, [n, h]) > 0 && !isDropped({ mask }, n, h);
}

export function isDropped({ mask }, n, h) {
  return !!mask && entry(mask, [n, h]) === 0;
}

/** How many rows have Z1 > 0, how many of these are passed, the largest Z1, and whether it is dead. */
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

/** The largest size of the entries of a unit in dW1, db1, dW2 and dZ1. */
export function unitGradients({ dW1, db1, dW2, dZ1 }, h) {
  return {
    dZ1: largestOf(dZ1, (at) => at % dZ1.shape[1] === h),
    dW1: largestOf(dW1, (at) => at % dW1.shape[1] === h),
    db1: Math.abs(db1.data[h]),
    dW2: largestOf(dW2, (at) => Math.floor(at / dW2.shape[1]) === h),
  };
}

function largestOf(a, belongs) {
  const larger = (most, value, at) => (belongs(at) ? Math.max(most, Math.abs(value)) : most);
  return a.data.reduce(larger, 0);
}

/**
 * After how many updates the penalty alone revives a dead unit; Infinity if it does not.
 *
 * A dead unit has no gradient but λ W1, so each update multiplies its weights by 1 − ηλ and leaves
 * b1. After t updates, its largest Z1 is b1 + (1 − ηλ)^t (largest − b1).
 */
export function updatesToRevival({ Z1, b1, l2, learning_rate: eta }, h) {
  const bias = b1.data[h];
  const { largest } = unitState({ Z1 }, h);
  const factor = 1 - eta * l2;
  if (bias <= 0 || factor <= 0 || factor >= 1) return Infinity;
  return Math.floor(Math.log(bias / (bias - largest)) / Math.log(factor)) + 1;
}
