// The loss of two training runs, one by the right lines and one with some replaced.

import { compute, loss, PARAMETERS } from "./equations.js";
import { derive } from "./lines.js";

const SLICE = 8; // milliseconds of one go

/**
 * Train both for some steps, a few at a time.
 *
 * `onprogress({right, wrong, trouble, done})` has the losses before each step so far. Both are the
 * true loss of the parameters, also where the line of L is the one that is replaced. `trouble` says
 * why the wrong pass cannot be trained, or "". Returns a function that stops it.
 */
export function trainBoth({ given, lines, changes, steps, onprogress }) {
  const sides = {
    right: { given, losses: [], next: stepOfEquations, trouble: "" },
    wrong: { given, losses: [], next: (now) => stepOfLines(now, { ...lines, ...changes }), trouble: "" },
  };
  let timer = 0;
  const go = () => {
    const start = performance.now();
    while (sides.right.losses.length <= steps && performance.now() - start < SLICE)
      Object.values(sides).forEach(advance);
    const done = sides.right.losses.length > steps;
    onprogress({
      right: sides.right.losses, wrong: sides.wrong.losses, trouble: sides.wrong.trouble, done,
    });
    if (!done) timer = setTimeout(go, 0);
  };
  timer = setTimeout(go, 0);
  return () => clearTimeout(timer);
}

/** The loss before the step, and the step. */
function advance(side) {
  if (side.trouble) return;
  side.losses.push(loss(side.given));
  try {
    side.given = { ...side.given, ...side.next(side.given) };
  } catch (error) {
    side.trouble = error.message;
  }
}

function stepOfEquations(given) {
  const values = compute(given);
  return Object.fromEntries(PARAMETERS.map((name) => [name, values[`new ${name}`]]));
}

/** The parameters after a step by the lines; an error if they have not their shapes. */
function stepOfLines(given, lines) {
  const { values, errors } = derive(given, lines);
  const after = PARAMETERS.map((name) => {
    const line = `new ${name}`;
    if (errors[line] || !values[line]) throw new Error(reason(errors));
    if (String(values[line].shape) !== String(given[name].shape))
      throw new Error(`${name} would change its shape`);
    return [name, values[line]];
  });
  return Object.fromEntries(after);
}

/** The first line that could not be computed, and why. */
function reason(errors) {
  const [name, message] = Object.entries(errors)[0];
  return `${name}: ${message}`;
}
