// The slope of L along one number by finite differences: what a gradient should be, measured.

import { compute, EQUATIONS, loss } from "./equations.js";
import { copy, entry, offset } from "./matrix.js";

/** ε of a central difference in doubles: near the cube root of the rounding error. */
export const EPSILON = 1e-5;

/** What L can be differentiated by: numbers that are given, and values on the way to L. */
const INPUTS = ["W1", "b1", "W2", "b2", "X"];
const ON_THE_WAY = ["Z1", "H1", "S"];

/** The entry along which a gradient's entry is the slope: of dW1 it is W1's, of dS it is S's. */
export function alongWhat({ name, index }) {
  const along = name.startsWith("d") ? name.slice(1) : name;
  return INPUTS.includes(along) || ON_THE_WAY.includes(along) ? { name: along, index } : null;
}

/** The given values with one number changed by some amount. */
export function moved(given, { name, index }, by) {
  return { ...given, [name]: shifted(given[name], index, by) };
}

function shifted(a, index, by) {
  const changed = copy(a);
  changed.data[offset(changed, index)] += by;
  return changed;
}

/** What `compute` takes, with one number moved: one that is given, or one as it is computed. */
function withMoved(given, cell, by) {
  if (given[cell.name]) return [moved(given, cell, by)];
  const change = (values) => shifted(EQUATIONS[cell.name](values), cell.index, by);
  return [given, { [cell.name]: change }];
}

/** L as a function of how far one number is moved. */
export function lossAlong(given, cell) {
  return (by) => loss(...withMoved(given, cell, by));
}

/**
 * The slope of L along an entry of W1, b1, W2, b2 or X; or of Z1, H1 or S, where only what is
 * computed from the entry follows it.
 *
 * Returns {central, left, right, epsilon}: (L(θ + ε) − L(θ − ε)) / 2ε, and the slopes of both
 * sides. Where L has a corner in between (kinks_along.js), the three differ.
 */
export function slope(given, cell, { epsilon = EPSILON } = {}) {
  const L = lossAlong(given, cell);
  const [below, here, above] = [L(-epsilon), L(0), L(epsilon)];
  // The numbers that θ + ε and θ − ε are, after rounding.
  const values = given[cell.name] ? given : compute(given);
  const at = entry(values[cell.name], cell.index);
  const [up, down] = [at + epsilon - at, at - (at - epsilon)];
  return {
    central: (above - below) / (up + down),
    left: (here - below) / down,
    right: (above - here) / up,
    epsilon,
  };
}

/**
 * ∂L/∂ of an entry by the equations: of a parameter the page has it; of X it is dZ1 W1ᵀ, which
 * training does not need.
 */
export function gradientAlong(values, { name, index }) {
  if (name !== "X") return entry(values[`d${name}`], index);
  const [n, i] = index;
  const [, units] = values.W1.shape;
  let sum = 0;
  for (let h = 0; h < units; h++) sum += entry(values.dZ1, [n, h]) * entry(values.W1, [i, h]);
  return sum;
}

/** How far apart two slopes are, relative to the larger: 1e-10 is close, 1e-2 is a fault. */
export function apart(gradient, difference) {
  const larger = Math.max(Math.abs(gradient), Math.abs(difference));
  return larger ? Math.abs(gradient - difference) / larger : 0;
}
