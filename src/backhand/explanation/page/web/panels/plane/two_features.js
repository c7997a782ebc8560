// The network as a function of two features: regions of its predictions, hinges of its units.

import { EQUATIONS } from "../../mathematics/equations.js";
import { array, entry } from "../../mathematics/matrix.js";
import { largestInRow, predictedLogits } from "../../mathematics/predictions.js";
import { extent } from "../../parts/scales.js";

/**
 * The network with two inputs, features a and b; the others have the values of a row.
 *
 * Its W1 is (2, H), and its b1 contains what the other features add. A prediction has no dropout.
 */
export function inPlane({ X, W1, b1, W2, b2 }, [a, b], row) {
  const [features, hidden] = W1.shape;
  const two = array([2, hidden]);
  const bias = array([hidden], b1.data.slice());
  for (let i = 0; i < features; i++) {
    const weights = W1.data.subarray(i * hidden, (i + 1) * hidden);
    if (i === a) two.data.set(weights);
    else if (i === b) two.data.set(weights, hidden);
    else {
      const x = entry(X, [row, i]);
      for (let h = 0; h < hidden; h++) bias.data[h] += x * weights[h];
    }
  }
  return { W1: two, b1: bias, W2, b2, mask: null };
}

/** The predicted class at the middle of each of columns × rows cells, from the top left on. */
export function regions(network, { x, y }, columns, rows) {
  const X = array([columns * rows, 2]);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const at = 2 * (r * columns + c);
      X.data[at] = x.low + ((c + 0.5) / columns) * (x.high - x.low);
      X.data[at + 1] = y.high - ((r + 0.5) / rows) * (y.high - y.low);
    }
  return classesOf(network, X);
}

/** The rows that are predicted as another class than the place where they are drawn. */
export function rowsElsewhere(store, network, [a, b]) {
  const { X } = store.given;
  const S = predictedLogits(store);
  const rows = X.shape[0];
  const places = array([rows, 2]);
  for (let n = 0; n < rows; n++)
    places.data.set([entry(X, [n, a]), entry(X, [n, b])], 2 * n);
  const there = classesOf(network, places);
  return Array.from(there.keys()).filter((n) => there[n] !== largestInRow(S, n));
}

/** The predicted class of each row of X, which has the two features. */
function classesOf(network, X) {
  const values = { ...network, X };
  for (const name of ["Z1", "H1", "S"]) values[name] = EQUATIONS[name](values);
  return Uint16Array.from({ length: X.shape[0] }, (_, at) => largestInRow(values.S, at));
}

/** Unit h as the function Z1 = p x + q y + c. */
export function unitLine({ W1, b1 }, h) {
  return { p: entry(W1, [0, h]), q: entry(W1, [1, h]), c: b1.data[h] };
}

/** The part of a window where the unit is not active, Z1 ≤ 0, as a list of corners [x, y]. */
export function inactivePart({ p, q, c }, { x, y }) {
  const corners = [[x.low, y.low], [x.high, y.low], [x.high, y.high], [x.low, y.high]];
  const z = ([across, up]) => p * across + q * up + c;
  return corners.flatMap((corner, at) => {
    const next = corners[(at + 1) % 4];
    const [here, there] = [z(corner), z(next)];
    const kept = here <= 0 ? [corner] : [];
    if (here <= 0 === there <= 0) return kept;
    const share = here / (here - there);
    return [...kept, corner.map((from, axis) => from + share * (next[axis] - from))];
  });
}

/** The ends of the hinge Z1 = 0 in a window, or null if it is elsewhere. */
export function hinge(line, window) {
  const z = ([across, up]) => line.p * across + line.q * up + line.c;
  const size = Math.max(Math.abs(line.p), Math.abs(line.q)) *
    Math.max(...[window.x, window.y].flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  const ends = inactivePart(line, window).filter((corner) => Math.abs(z(corner)) <= 1e-9 * size);
  return ends.length === 2 ? ends : null;
}

/** What is shown of two features: all rows, with space around them. */
export function windowOf(X, [a, b]) {
  return { x: around(column(X, a)), y: around(column(X, b)) };
}

/** Whether all rows are inside. */
export function contains({ x, y }, X, [a, b]) {
  const inside = ({ low, high }, numbers) => numbers.every((one) => one >= low && one <= high);
  return inside(x, column(X, a)) && inside(y, column(X, b));
}

function column({ shape, data }, at) {
  return Array.from({ length: shape[0] }, (_, row) => data[row * shape[1] + at]);
}

function around(numbers) {
  const { low, high } = extent(numbers) ?? { low: 0, high: 0 };
  const space = 0.25 * (high - low) || 1;
  return { low: low - space, high: high + space };
}
