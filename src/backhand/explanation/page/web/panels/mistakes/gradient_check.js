// A gradient check of a pass that is given as lines: its gradients beside finite differences.

import { PARAMETERS } from "../../mathematics/equations.js";
import { derive } from "../../lines/lines.js";
import { array } from "../../mathematics/matrix.js";
import { EPSILON, moved } from "../../mathematics/slopes.js";
import { relativeDifference } from "./passes.js";

const FORWARD = ["Z1", "H1", "S", "P", "L"];

/** How many numbers a check would move; it computes two losses for each. */
export function numbersToMove({ given }) {
  return PARAMETERS.reduce((sum, name) => sum + given[name].data.length, 0);
}

/**
 * ‖a − n‖ / max(‖a‖, ‖n‖) of each gradient a of the pass and the finite differences n of its own
 * loss; NaN where one of them could not be computed.
 */
export function checkGradients({ given, wrong, lines, changes }) {
  const all = { ...lines, ...changes };
  const forward = Object.fromEntries(FORWARD.map((name) => [name, all[name]]));
  const lossOf = (at) => derive(at, forward).values.L?.data[0] ?? NaN;
  return Object.fromEntries(
    PARAMETERS.map((name) => {
      const measured = differences(given, name, lossOf);
      return [`d${name}`, relativeError(wrong[`d${name}`], measured)];
    }),
  );
}

/** The central difference of the loss along each entry of a parameter. */
function differences(given, name, lossOf) {
  const { shape } = given[name];
  const result = array(shape);
  for (let at = 0; at < result.data.length; at++) {
    const index = shape.length === 1 ? [at] : [Math.floor(at / shape[1]), at % shape[1]];
    const along = (by) => lossOf(moved(given, { name, index }, by));
    result.data[at] = (along(EPSILON) - along(-EPSILON)) / (2 * EPSILON);
  }
  return result;
}

function relativeError(gradient, measured) {
  if (gradient?.data.length !== measured.data.length) return NaN;
  return relativeDifference(gradient, measured);
}
