// The loss of two training runs, one by the right lines and one with some replaced.

import { compute, loss, PARAMETERS } from "../../mathematics/equations.js";
import { derive } from "../../lines/lines.js";
import { array } from "../../mathematics/matrix.js";
import { shapeText } from "../../lines/numpy.js";

const SLICE = 8; // milliseconds of one frame

/**
 * Train both for some steps, a few at a time.
 *
 * `onprogress({right, wrong, trouble, done})` has the losses before each step so far. Both are the
 * true loss of the parameters, also where the line of L is the one that is replaced. `trouble` says
 * why the wrong pass cannot be trained, or "". Returns a function that stops it.
 */
export function trainBoth({ given, lines, changes, steps, onprogress }) {
  const stepOfChanged = (now) => stepOfLines(now, { ...lines, ...changes });
  const sides = {
    right: { given, losses: [], next: stepOfEquations, trouble: "" },
    wrong: { given, losses: [], next: stepOfChanged, trouble: "" },
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
    if (!done) timer = requestAnimationFrame(go);
  };
  timer = requestAnimationFrame(go);
  return () => cancelAnimationFrame(timer);
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
    // NumPy computes with (1, H) as with (H,); anything else that differs ends the run.
    if (sizesOf(values[line]) !== sizesOf(given[name]))
      throw new Error(`${name} would have the shape ${shapeText(values[line].shape)}`);
    return [name, array(given[name].shape, values[line].data)];
  });
  return Object.fromEntries(after);
}

const sizesOf = ({ shape }) => String(shape.filter((size) => size !== 1));

/** The first line that could not be computed, and why. */
function reason(errors) {
  const [name, message] = Object.entries(errors)[0];
  return `${name}: ${message}`;
}
