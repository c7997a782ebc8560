// Which class a row is given: that of the largest entry.

/** The place of the largest entry of a row. */
export function largestInRow({ shape, data }, row) {
  const columns = shape[1];
  let best = 0;
  for (let k = 1; k < columns; k++)
    if (data[row * columns + k] > data[row * columns + best]) best = k;
  return best;
}

/** How many rows have their class as the largest logit. */
export function rowsRight({ S, Y }) {
  let right = 0;
  for (let row = 0; row < S.shape[0]; row++)
    if (largestInRow(S, row) === largestInRow(Y, row)) right += 1;
  return right;
}
