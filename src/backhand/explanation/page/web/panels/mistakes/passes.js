// A wrong pass beside the right one: lines that are replaced, and where the numbers first differ.

import { codeOf, derive, parseLine } from "../../lines/lines.js";
import { PARAMETERS } from "../../mathematics/equations.js";
import { map } from "../../mathematics/matrix.js";

/** The relative difference up to which arrays count as equal: rounding is far below it. */
export const TOLERANCE = 1e-9;

/**
 * Both passes of the problem as it stands, without sample weights and dropout, which the doctor's
 * lines do not have.
 *
 * @param changes {name: code} of the lines that are replaced
 * @returns what `judged` does
 */
export function bothPasses(store, changes) {
  const given = { ...store.given, sample_weight: null, mask: null };
  const lines = codeOf(store.contents.lines, !!given.l2);
  const { values: right } = derive(given, lines);
  const { values: wrong, errors } = derive(given, { ...lines, ...changes });
  return judged({ right, wrong, errors, lines, changes, given });
}

/**
 * Two passes with `states`, what each value of the wrong pass is, and `first`, the name of the
 * first that differs, or null.
 *
 * @param passes {right, wrong, errors, lines, changes}: the values of both passes by name, why a
 *   line of the wrong pass could not be computed, the right lines, and those that are replaced
 */
function judged(passes) {
  const names = Object.keys(passes.lines);
  const states = Object.fromEntries(names.map((name) => [name, stateOf(passes, name)]));
  return { ...passes, states, first: names.find((name) => states[name] !== "equal") ?? null };
}

/**
 * What a value of the wrong pass is: "equal"; "wrong", since its own line is; "inherited", right
 * given its inputs, which are wrong; "missing" if it could not be computed.
 */
function stateOf({ right, wrong, errors, lines, changes }, name) {
  if (errors[name] || !wrong[name]) return name in changes ? "wrong" : "missing";
  if (isClose(right[name], wrong[name])) return "equal";
  if (!(name in changes)) return "inherited";
  return isClose(resultOf(lines[name], wrong), wrong[name]) ? "inherited" : "wrong";
}

/** What a line gives of values; null if it cannot be computed. */
export function resultOf(line, values) {
  try {
    return parseLine(line)(values);
  } catch {
    return null;
  }
}

export function haveOneShape(a, b) {
  return !!a && !!b && String(a.shape) === String(b.shape);
}

export function isClose(a, b) {
  return haveOneShape(a, b) && relativeDifference(a, b) <= TOLERANCE;
}

/**
 * ‖a − b‖ / max(‖a‖, ‖b‖) of two arrays of a size. Entries that are equal, also as nan or infinity,
 * do not differ; others that are not finite differ without bound.
 */
export function relativeDifference(a, b) {
  const unit = Math.max(largestFinite(a), largestFinite(b)) || 1; // no square overflows
  let [ofA, ofB, apart] = [0, 0, 0];
  for (let at = 0; at < a.data.length; at++) {
    const [x, y] = [a.data[at] / unit, b.data[at] / unit];
    if (Number.isFinite(x)) ofA += x * x;
    if (Number.isFinite(y)) ofB += y * y;
    if (Object.is(x, y)) continue;
    if (!Number.isFinite(x - y)) return Infinity;
    apart += (x - y) ** 2;
  }
  return apart === 0 ? 0 : Math.sqrt(apart / Math.max(ofA, ofB));
}

function largestFinite({ data }) {
  let most = 0;
  for (let at = 0; at < data.length; at++)
    if (Number.isFinite(data[at])) most = Math.max(most, Math.abs(data[at]));
  return most;
}

/** The place in the data at which two arrays of a shape differ most. */
export function worstPlace(a, b) {
  let worst = 0;
  let most = -1;
  for (let at = 0; at < a.data.length; at++) {
    const difference = Math.abs(a.data[at] - b.data[at]);
    if (difference > most || Number.isNaN(difference)) [worst, most] = [at, difference];
    if (Number.isNaN(difference)) break;
  }
  return worst;
}

/** c if b is c times a, else null. */
export function commonFactor(a, b) {
  const larger = (best, x, at) => (Math.abs(x) > Math.abs(a.data[best]) ? at : best);
  const place = a.data.reduce(larger, 0);
  const factor = b.data[place] / a.data[place];
  if (!Number.isFinite(factor)) return null;
  const scaled = { shape: a.shape, data: a.data.map((x) => factor * x) };
  return isClose(scaled, b) ? factor : null;
}

/** c if the update of the wrong pass is c times the right one, in every parameter, else null. */
export function scaleOfUpdate({ given, right, wrong }) {
  const factors = PARAMETERS.map((name) => {
    const [one, other] = [right, wrong].map((values) => values[`new ${name}`]);
    if (!haveOneShape(given[name], one) || !haveOneShape(one, other)) return null;
    const steps = [one, other].map((after) => map((x, y) => x - y, after, given[name]));
    if (steps.every(({ data }) => data.every((change) => change === 0))) return undefined;
    return commonFactor(...steps);
  }).filter((factor) => factor !== undefined);
  const [scale] = factors;
  const isScale = (factor) => factor !== null && Math.abs(factor - scale) <= 1e-6 * Math.abs(scale);
  return factors.length && factors.every(isScale) ? scale : null;
}
