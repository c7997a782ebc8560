// Where L has corners along one number: where a hidden unit begins or ceases to be active.

import { array, copy, entry, matmul, offset } from "./matrix.js";

/**
 * The kinks along an entry of W1, b1, X or Z1: [{by, cell, rate}], the nearest first. At θ + by,
 * the cell of Z1 is 0; it grows by `rate` times what θ does. Along all others there are none.
 *
 * Z1 is linear in each of these entries, so this is exact but for rounding.
 */
export function kinksAlong(values, { name, index }) {
  return slopesOfZ1(values, name, index)
    .filter(({ cell, rate }) => rate !== 0 && !isDropped(values, cell))
    .map(({ cell, rate }) => ({ cell, rate, by: 0 - entry(values.Z1, cell.index) / rate }))
    .sort((one, other) => Math.abs(one.by) - Math.abs(other.by));
}

/** By how much each cell of Z1 that depends on an entry changes with it. */
function slopesOfZ1({ X, W1 }, name, index) {
  const [rows] = X.shape;
  const hidden = W1.shape[1];
  const cellOfZ1 = (n, h) => ({ name: "Z1", index: [n, h] });
  const count = (size, f) => Array.from({ length: size }, (_, at) => f(at));
  if (name === "W1") {
    const [i, h] = index;
    return count(rows, (n) => ({ cell: cellOfZ1(n, h), rate: entry(X, [n, i]) }));
  }
  if (name === "Z1") return [{ cell: cellOfZ1(...index), rate: 1 }];
  if (name === "b1") return count(rows, (n) => ({ cell: cellOfZ1(n, index[0]), rate: 1 }));
  if (name === "X") {
    const [n, i] = index;
    return count(hidden, (h) => ({ cell: cellOfZ1(n, h), rate: entry(W1, [i, h]) }));
  }
  return [];
}

/**
 * The slopes of L on both sides of a number θ, {left, right}: a unit that is 0 at θ has no part in
 * the gradient, and has one on the side on which its Z1 is above 0.
 */
export function slopesOfSides({ Z1, dH1, mask }, gradient, kinks) {
  const partOf = ({ cell: { index }, rate }) =>
    entry(Z1, index) === 0 ? rate * entry(dH1, index) * (mask ? entry(mask, index) : 1) : 0;
  const partOfAll = (some) => some.reduce((sum, kink) => sum + partOf(kink), 0);
  return {
    left: gradient + partOfAll(kinks.filter(({ rate }) => rate < 0)),
    right: gradient + partOfAll(kinks.filter(({ rate }) => rate > 0)),
  };
}

function isDropped({ mask }, { index }) {
  return !!mask && entry(mask, index) === 0;
}

/**
 * The given arrays that change if an entry is moved to a kink, so that Z1 there is exactly 0: the
 * entry, and the unit's b1 by what rounding has left over.
 */
export function atKink(given, { name, index }, { by, cell }) {
  const [n, h] = cell.index;
  const moved = { [name]: copy(given[name]) };
  if (name !== "b1") moved[name].data[offset(given[name], index)] += by;
  const { X, W1 } = { ...given, ...moved };
  const row = array([1, X.shape[1]], X.data.subarray(n * X.shape[1], (n + 1) * X.shape[1]));
  moved.b1 = copy(given.b1);
  moved.b1.data[h] = 0 - matmul(row, W1).data[h];
  return moved;
}
