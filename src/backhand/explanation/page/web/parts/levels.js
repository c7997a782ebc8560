// Colours for numbers: a step on either side of 0, by the size beside the array's largest number.

/** Steps on either side; matrices.css has a colour for each. */
const LEVELS = 8;

/** Sign and size beside the array's largest number, in steps: −8 … 8. */
export function levelOf(value, most) {
  if (value === 0 || Number.isNaN(value)) return 0;
  if (!Number.isFinite(value)) return value > 0 ? LEVELS : -LEVELS;
  const level = Math.max(1, Math.ceil((Math.abs(value) / most) * LEVELS));
  return Math.sign(value) * level;
}

/** The largest size of a number that is finite; 1 where all are 0. */
export function largest(data) {
  let most = 0;
  for (let at = 0; at < data.length; at++) {
    const size = Math.abs(data[at]);
    if (size > most && size < Infinity) most = size;
  }
  return most || 1;
}
