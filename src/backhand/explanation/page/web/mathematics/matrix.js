// Dense arrays of doubles: {shape, data}, row by row. A vector has one size, a number none.

export function array(shape, data = new Float64Array(sizeOf(shape))) {
  return { shape, data };
}

export function sizeOf(shape) {
  return shape.reduce((product, size) => product * size, 1);
}

/** The array that Python wrote: numbers, or the bytes of float64 or float32 in base64. */
export function fromJson({ shape, numbers, float64, float32 }) {
  if (numbers) return array(shape, Float64Array.from(numbers));
  const bytes = Uint8Array.from(atob(float64 ?? float32), (character) => character.charCodeAt(0));
  const data = float64 ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
  return array(shape, Float64Array.from(data));
}

export function copy({ shape, data }) {
  return array(shape, data.slice());
}

/** The place of an entry in the data: index is [n, i], [h] or []. */
export function offset({ shape }, index) {
  if (index.length === 2) return index[0] * shape[1] + index[1];
  return index.length ? index[0] : 0;
}

export function entry(a, index) {
  return a.data[offset(a, index)];
}

/**
 * A B, summed in the order of the inner index.
 *
 * Four products are added at a time, one after the other: the sum is the same to the last bit, and
 * C is read and written a quarter as often.
 */
export function matmul(A, B) {
  const [rows, inner] = A.shape;
  const columns = B.shape[1];
  fits(inner === B.shape[0], A, B);
  const C = array([rows, columns]);
  const [a, b, c] = [A.data, B.data, C.data];
  for (let r = 0; r < rows; r++) {
    const row = r * columns;
    let m = 0;
    for (; m + 4 <= inner; m += 4) {
      const place = r * inner + m;
      const [f0, f1, f2, f3] = [a[place], a[place + 1], a[place + 2], a[place + 3]];
      const b0 = m * columns;
      const [b1, b2, b3] = [b0 + columns, b0 + 2 * columns, b0 + 3 * columns];
      for (let k = 0; k < columns; k++)
        c[row + k] = c[row + k] + f0 * b[b0 + k] + f1 * b[b1 + k] + f2 * b[b2 + k] + f3 * b[b3 + k];
    }
    for (; m < inner; m++) {
      const factor = a[r * inner + m];
      const from = m * columns;
      for (let k = 0; k < columns; k++) c[row + k] += factor * b[from + k];
    }
  }
  return C;
}

export function transpose(A) {
  const [rows, columns] = A.shape;
  const T = array([columns, rows]);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) T.data[c * rows + r] = A.data[r * columns + c];
  return T;
}

/** f of each entry, and of the entry of another array at the same place. */
export function map(f, a, other = null) {
  const result = array(a.shape);
  const [to, from] = [result.data, a.data];
  if (other) {
    fits(String(a.shape) === String(other.shape), a, other);
    const { data } = other;
    for (let at = 0; at < to.length; at++) to[at] = f(from[at], data[at]);
  } else {
    for (let at = 0; at < to.length; at++) to[at] = f(from[at]);
  }
  return result;
}

/** A with f of each entry and the vector's number for its column. */
export function withEachRow(f, A, vector) {
  const [rows, columns] = A.shape;
  fits(columns === vector.data.length, A, vector);
  const result = array(A.shape);
  for (let r = 0, at = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, at++) result.data[at] = f(A.data[at], vector.data[c]);
  return result;
}

/** A with f of each entry and the vector's number for its row. */
export function withEachColumn(f, A, vector) {
  const [rows, columns] = A.shape;
  fits(rows === vector.data.length, A, vector);
  const result = array(A.shape);
  for (let r = 0, at = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, at++) result.data[at] = f(A.data[at], vector.data[r]);
  return result;
}

/** 1ᵀ A: the sum of each column. */
export function columnSums(A) {
  const [rows, columns] = A.shape;
  const sums = array([columns]);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) sums.data[c] += A.data[r * columns + c];
  return sums;
}

export function total(a) {
  return a.data.reduce((sum, value) => sum + value, 0);
}

/** Reading past the end of an array gives undefined, not an error: shapes are compared before. */
function fits(isSo, a, b) {
  if (!isSo) throw new Error(`shapes (${a.shape}) and (${b.shape}) do not fit together`);
}
