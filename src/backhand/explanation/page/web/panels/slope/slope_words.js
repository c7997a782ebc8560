// What a finite difference says about a gradient, in words.

import { slopesOfSides } from "../../mathematics/kinks_along.js";
import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";

const CLOSE = 1e-7;
const WRONG = 1e-4;

const ROUNDING = 2 ** -53;

/** cell as text: "dW1[3,7]"; `prefix` is "d" for the gradient's entry. */
export function named({ name, index }, prefix = "") {
  return `${prefix}${name}[${index.join(",")}]`;
}

/**
 * The verdict, {kind, text}.
 *
 * @param found {cell, gradient, slope, difference, kinks, values, smaller}: `slope` as slopes.js
 *   returns it, `difference` relative, `kinks` those within ε as `kinksAlong` returns them, and
 *   `smaller()` the relative difference with a tenth of ε
 */
export function slopeVerdict(found) {
  const { gradient, slope, difference, kinks, values } = found;
  const exact = kinks.find(({ cell }) => entry(values.Z1, cell.index) === 0);
  if (exact) return { kind: "kink", text: kinkWords(found, exact) };
  const isClose = difference < CLOSE;
  if (kinks.length && !isClose) return { kind: "across", text: acrossWords(found, kinks[0]) };
  if (gradient === 0 && slope.central === 0) return { kind: "zero", text: zeroWords(found) };
  if (isClose) return { kind: "close", text: WORDS.close };
  if (isRounding(found)) return { kind: "rounding", text: WORDS.rounding };
  if (found.smaller() < difference / 5) return { kind: "curvature", text: WORDS.curvature };
  if (difference < WRONG) return { kind: "near", text: WORDS.near };
  return { kind: "wrong", text: WORDS.wrong };
}

const WORDS = {
  close: "They agree: a relative difference below 1e−7 is what doubles allow.",
  rounding:
    "ε is too small: L(θ + ε) and L(θ − ε) differ in their last digits only, and the rounding of " +
    "L is divided by 2ε. Take a larger ε.",
  curvature:
    "ε is too large: L is curved between θ − ε and θ + ε. The error of a central difference " +
    "falls with ε².",
  near: "Neither clear agreement nor a clear fault: compare other values of ε.",
  wrong: "They do not agree, whatever ε is: the gradient is wrong.",
};

function zeroWords({ cell }) {
  return `Both are exactly 0: a small change of ${named(cell)} does not change L.`;
}

function kinkWords({ cell, gradient, kinks, values }, { cell: corner }) {
  const { left, right } = slopesOfSides(values, gradient, kinks);
  const start =
    `${named(corner)} is exactly 0: a kink of the ReLU. The slope of L is ${shown(left)} from the ` +
    `left and ${shown(right)} from the right`;
  if (left === right)
    return `${start}: they are the same here, since dH1 of that row and unit is 0.`;
  const sides = { left, right };
  const side = Object.keys(sides).find((one) => sides[one] === gradient);
  return (
    `${start}. There is no derivative. The differences in the table approach these slopes as ε ` +
    "becomes smaller, until rounding is larger; the central one approaches their mean. The " +
    `equations count the unit as inactive, since Z1 > 0 is false: ${named(cell, "d")} is ` +
    `${side ? `the slope from the ${side}` : "neither of the two"}.`
  );
}

function acrossWords({ slope }, { by, cell }) {
  return (
    `The difference steps over a kink: ${named(cell)} changes its sign ${shown(Math.abs(by), 2)} ` +
    `from θ, and ε is ${shown(slope.epsilon, 2)}. The derivative exists; take an ε that is ` +
    "smaller than that distance."
  );
}

/** Whether the difference is no more than rounding explains. */
function isRounding({ gradient, slope, values }) {
  const noise = (ROUNDING * Math.max(Math.abs(values.L.data[0]), 1)) / slope.epsilon;
  return Math.abs(gradient - slope.central) <= 10 * noise;
}
