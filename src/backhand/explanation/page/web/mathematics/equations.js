// The equations of src/backhand/equations.py, one line each, in doubles.

import { array, columnSums, map, matmul, total, transpose } from "./matrix.js";
import { withEachColumn, withEachRow } from "./matrix.js";

const add = (a, b) => a + b;
const times = (a, b) => a * b;

/** Of values v: X, Y, W1, b1, W2, b2, sample_weight or null, mask or null, l2, learning_rate. */
export const EQUATIONS = {
  w: (v) => meanWeights(v.X.shape[0], v.sample_weight),
  Z1: (v) => withEachRow(add, matmul(v.X, v.W1), v.b1),
  H1: (v) => masked(map((z) => Math.max(z, 0), v.Z1), v.mask),
  S: (v) => withEachRow(add, matmul(v.H1, v.W2), v.b2),
  P: (v) => map(Math.exp, logSoftmax(v.S)),
  losses: (v) => rowLosses(v.S, v.Y),
  L: (v) => number(total(map(times, v.losses, v.w)) + penalty(v)),
  dS: (v) => withEachColumn(times, map((p, y) => p - y, v.P, v.Y), v.w),
  dW2: (v) => penalised(matmul(transpose(v.H1), v.dS), v.W2, v.l2),
  db2: (v) => columnSums(v.dS),
  dH1: (v) => matmul(v.dS, transpose(v.W2)),
  dZ1: (v) => masked(map((d, z) => (z > 0 ? d : d * 0), v.dH1, v.Z1), v.mask),
  dW1: (v) => penalised(matmul(transpose(v.X), v.dZ1), v.W1, v.l2),
  db1: (v) => columnSums(v.dZ1),
  "new W1": (v) => stepped(v.W1, v.dW1, v.learning_rate),
  "new b1": (v) => stepped(v.b1, v.db1, v.learning_rate),
  "new W2": (v) => stepped(v.W2, v.dW2, v.learning_rate),
  "new b2": (v) => stepped(v.b2, v.db2, v.learning_rate),
};

export const PARAMETERS = ["W1", "b1", "W2", "b2"];

/**
 * All values of one forward pass, backward pass and update, by their names, with some equations
 * replaced. Each is computed when it is first read, and those that it reads before it.
 */
export function compute(given, replaced = {}) {
  return new Values(given, replaced);
}

class Values {
  #replaced;
  #computed = {};

  constructor(given, replaced) {
    Object.assign(this, given);
    this.#replaced = replaced;
  }

  static {
    for (const name of Object.keys(EQUATIONS))
      Object.defineProperty(Values.prototype, name, {
        get() {
          return (this.#computed[name] ??= (this.#replaced[name] ?? EQUATIONS[name])(this));
        },
      });
  }
}

/** The loss alone, for finite differences and curves. */
export function loss(given, replaced = {}) {
  return compute(given, replaced).L.data[0];
}

export function logSoftmax(S) {
  const [rows, columns] = S.shape;
  const result = array(S.shape);
  for (let r = 0; r < rows; r++) {
    const row = S.data.subarray(r * columns, (r + 1) * columns);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const shifted = row.map((s) => s - most); // exp of large numbers would be infinite
    const log = Math.log(shifted.reduce((sum, s) => sum + Math.exp(s), 0));
    result.data.set(shifted.map((s) => s - log), r * columns);
  }
  return result;
}

function rowLosses(S, Y) {
  const [rows, columns] = S.shape;
  const products = map((y, log) => -y * log, Y, logSoftmax(S));
  const losses = array([rows]);
  products.data.forEach((value, at) => (losses.data[Math.floor(at / columns)] += value));
  return losses;
}

function meanWeights(rows, sampleWeight) {
  if (!sampleWeight) return array([rows], new Float64Array(rows).fill(1 / rows));
  const sum = total(sampleWeight);
  return map((w) => w / (sum > 0 ? sum : 1), sampleWeight);
}

function penalty({ W1, W2, l2 }) {
  const square = (a) => a * a;
  return l2 ? (l2 / 2) * (total(map(square, W1)) + total(map(square, W2))) : 0;
}

const number = (value) => array([], Float64Array.of(value));
const masked = (a, mask) => (mask ? map(times, a, mask) : a);
const penalised = (gradient, W, l2) => (l2 ? map((g, w) => g + l2 * w, gradient, W) : gradient);

/** θ − η dθ: a loop of its own, since it goes through all parameters in each frame of a drag. */
function stepped(theta, gradient, eta) {
  const result = array(theta.shape);
  const [to, t, g] = [result.data, theta.data, gradient.data];
  for (let at = 0; at < to.length; at++) to[at] = t[at] - eta * g[at];
  return result;
}
