// Which class is predicted for a row: that of the largest logit, without dropout.

import { compute } from "./equations.js";

/** The place of the largest entry of a row. */
export function largestInRow({ shape, data }, row) {
  const columns = shape[1];
  let best = 0;
  for (let k = 1; k < columns; k++)
    if (data[row * columns + k] > data[row * columns + best]) best = k;
  return best;
}

/** S of a prediction: all hidden units are there. */
export function predictedLogits({ given, values }) {
  return given.mask ? compute({ ...given, mask: null }).S : values.S;
}

/** How many rows are predicted right, of a store or of anything with its `given` and `values`. */
export function rowsRight(pass) {
  const S = predictedLogits(pass);
  const { Y } = pass.given;
  let right = 0;
  for (let row = 0; row < S.shape[0]; row++)
    if (largestInRow(S, row) === largestInRow(Y, row)) right += 1;
  return right;
}
