// Softmax and cross-entropy of one row, in numbers.

import { entry } from "./matrix.js";

/** The row of an array as a list. */
export function rowOf(a, n) {
  const size = a.shape[1];
  return Array.from(a.data.subarray(n * size, (n + 1) * size));
}

export function sum(numbers) {
  return numbers.reduce((all, number) => all + number, 0);
}

/** The largest score, exp(S − largest), and their sum. */
export function exponentials(S, n) {
  const scores = rowOf(S, n);
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  return { largest, powers, sum: sum(powers) };
}

/** ∂P[n,j] / ∂S[n,k] = P[n,j] ([j = k] − P[n,k]). */
export function jacobian(P, n, j, k) {
  return entry(P, [n, j]) * ((j === k ? 1 : 0) - entry(P, [n, k]));
}

/** ∂ℓ / ∂P[n,j] = −Y[n,j] / P[n,j]; 0 where Y is, whatever P is. */
export function lossByProbability(P, Y, n, j) {
  const y = entry(Y, [n, j]);
  return y === 0 ? 0 : -y / entry(P, [n, j]);
}

/** ∂ℓ / ∂S[n,k]: the sum over the classes j of both. */
export function lossByScore(P, Y, n, k) {
  const term = (j) => lossByProbability(P, Y, n, j) * jacobian(P, n, j, k);
  return sum(Array.from({ length: P.shape[1] }, (_, j) => term(j)));
}

/** Some classes of a row in their order: all, or those with the largest P and all with a label. */
export function classesToShow(P, Y, n, most) {
  const sizes = rowOf(P, n).map((p, k) => (entry(Y, [n, k]) > 0 ? 1 + p : p));
  const order = sizes.map((size, k) => [size, k]).sort(([a], [b]) => b - a);
  return order.slice(0, most).map(([, k]) => k).sort((a, b) => a - b);
}
