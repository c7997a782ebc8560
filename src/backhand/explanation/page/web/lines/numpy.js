// What lines such as "(P - Y) / N" need of NumPy: broadcasting, sums along an axis, slices.
// Arrays are those of matrix.js; a number is an array of shape []. A comparison has isMask.

import { array, sizeOf } from "../mathematics/matrix.js";

/** What a line may make, so that it cannot stop the page: numbers of an array, products of an @. */
const MOST_NUMBERS = 1e6;
const MOST_PRODUCTS = 3e8;

/** An array of zeros of a shape that a line has chosen. */
export function zeros(shape) {
  if (!shape.every((size) => Number.isInteger(size) && size >= 0))
    throw new Error(`${shapeText(shape)} is no shape: sizes are whole numbers`);
  atMost(MOST_NUMBERS, sizeOf(shape), `an array of shape ${shapeText(shape)}`, "numbers");
  return array(shape);
}

function atMost(most, count, what, unit) {
  const said = (number) => number.toLocaleString("en");
  if (count > most)
    throw new Error(`${what} takes ${said(count)} ${unit}; a line may take ${said(most)} here`);
}

export function scalar(value) {
  return array([], Float64Array.of(value));
}

/** "(4, 8)", "(8,)" or "()". */
export function shapeText(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/** f of the entries of some arrays that are broadcast against each other. */
export function elementwise(f, ...arrays) {
  const shape = arrays.reduce((common, { shape: own }) => broadcastShape(common, own), []);
  const reads = arrays.map((a) => reader(a, shape));
  const [first, second] = reads;
  const result = zeros(shape);
  const { data } = result;
  if (reads.length === 1) for (let at = 0; at < data.length; at++) data[at] = f(first(at));
  else if (reads.length === 2)
    for (let at = 0; at < data.length; at++) data[at] = f(first(at), second(at));
  else for (let at = 0; at < data.length; at++) data[at] = f(...reads.map((read) => read(at)));
  return result;
}

/** The shape that two shapes have together. */
function broadcastShape(a, b) {
  const axes = Math.max(a.length, b.length);
  return Array.from({ length: axes }, (_, axis) => {
    const one = a[axis - axes + a.length] ?? 1;
    const other = b[axis - axes + b.length] ?? 1;
    if (one !== other && one !== 1 && other !== 1)
      throw new Error(`the shapes ${shapeText(a)} and ${shapeText(b)} do not fit together`);
    return one === 1 ? other : one;
  });
}

/** A function from a place in an array of a shape to the entry of `a` that is read there. */
function reader({ shape: own, data }, shape) {
  if (String(own) === String(shape)) return (at) => data[at];
  if (data.length === 1) return () => data[0];
  const places = array(shape).data;
  const missing = shape.length - own.length;
  let outer = 1; // of the axes after this one, in the common shape
  let stride = 1; // and in its own
  for (let axis = shape.length - 1; axis >= missing; axis--) {
    const size = own[axis - missing];
    if (size > 1)
      for (let at = 0; at < places.length; at++)
        places[at] += (Math.floor(at / outer) % shape[axis]) * stride;
    outer *= shape[axis];
    stride *= size;
  }
  return (at) => data[places[at]];
}

/** The entries along an axis as [lane, place], one after the other; all of them if it is null. */
function* lanes({ shape, data }, axis) {
  if (axis === null) {
    yield [data, 0];
    return;
  }
  const count = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  for (let place = 0; place < sizeOf(shape) / (count || 1); place++) {
    const start = Math.floor(place / inner) * count * inner + (place % inner);
    yield [Float64Array.from({ length: count }, (_, at) => data[start + at * inner]), place];
  }
}

/** The axis as a number from 0, or null. */
function axisOf({ shape }, axis) {
  if (axis === null || axis === undefined) return null;
  const found = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(found) || found < 0 || found >= shape.length)
    throw new Error(`there is no axis ${axis} in an array of shape ${shapeText(shape)}`);
  return found;
}

/** f of the entries along an axis, one number each: sum, mean, maximum. */
export function reduce(f, a, axis, keepdims) {
  const along = axisOf(a, axis);
  const kept = a.shape.map((size, at) => (along === null || at === along ? 1 : size));
  const dropped = along === null ? [] : a.shape.filter((_, at) => at !== along);
  const result = array(keepdims ? kept : dropped);
  for (const [lane, place] of lanes(a, along)) result.data[place] = f(lane);
  return result;
}

/** f of the entries along an axis, as many as there were: a running sum, a softmax. */
export function along(f, a, axis) {
  const chosen = axisOf(a, axis);
  const result = array(chosen === null ? [a.data.length] : a.shape);
  const inner = chosen === null ? 1 : sizeOf(a.shape.slice(chosen + 1));
  for (const [lane, place] of lanes(a, chosen)) {
    const start = Math.floor(place / inner) * lane.length * inner + (place % inner);
    f(lane).forEach((value, at) => (result.data[start + at * inner] = value));
  }
  return result;
}

/** A @ B of vectors and matrices. */
export function dot(a, b) {
  const [rows, inner] = a.shape.length === 1 ? [1, a.shape[0]] : a.shape;
  const [meets, columns] = b.shape.length === 1 ? [b.shape[0], 1] : b.shape;
  if (!a.shape.length || !b.shape.length) throw new Error("@ multiplies matrices, not a number");
  if (inner !== meets)
    throw new Error(
      `${shapeText(a.shape)} @ ${shapeText(b.shape)} does not exist: ` +
        `the inner sizes ${inner} and ${meets} differ`,
    );
  const shape = [...a.shape.slice(0, -1), ...(b.shape.length === 1 ? [] : b.shape.slice(1))];
  const what = `${shapeText(a.shape)} @ ${shapeText(b.shape)}`;
  atMost(MOST_PRODUCTS, rows * inner * columns, what, "products");
  const result = zeros(shape);
  for (let r = 0; r < rows; r++)
    for (let m = 0; m < inner; m++) {
      const factor = a.data[r * inner + m];
      for (let c = 0; c < columns; c++)
        result.data[r * columns + c] += factor * b.data[m * columns + c];
    }
  return result;
}

/** The array with its axes in reverse order. */
export function transposed(a) {
  if (a.shape.length < 2) return a;
  const [rows, columns] = a.shape;
  const places = { length: rows * columns };
  const data = Float64Array.from(places, (_, at) =>
    a.data[(at % rows) * columns + Math.floor(at / rows)]);
  return { ...a, shape: [columns, rows], data };
}

/** The same entries in another shape, of which one size may be -1. */
export function reshaped(a, shape) {
  const known = shape.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const sizes = shape.map((size) => (size < 0 ? a.data.length / known : size));
  if (sizeOf(sizes) !== a.data.length || !sizes.every(Number.isInteger))
    throw new Error(`${a.data.length} entries do not fit into the shape ${shapeText(shape)}`);
  return { ...a, shape: sizes };
}

/**
 * a[items]: each item is a number, {start, stop, step} of a slice, or an array of numbers. Two
 * arrays are taken in pairs: P[arange(N), y].
 */
export function taken(a, items) {
  if (items.length > a.shape.length)
    throw new Error(`${items.length} indices for an array of shape ${shapeText(a.shape)}`);
  const places = a.shape.map((size, axis) => placesOf(items[axis] ?? {}, size));
  const lists = items.filter((item) => item.data);
  if (lists.length === 2) return paired(a, places);
  const kept = a.shape.map((_, axis) => typeof items[axis] !== "number");
  const sizes = places.map((place) => place.length);
  const data = zeros(sizes).data.map((_, at) => {
    let rest = at;
    let stride = 1;
    let place = 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      place += places[axis][rest % sizes[axis]] * stride;
      rest = Math.floor(rest / sizes[axis]);
      stride *= a.shape[axis];
    }
    return a.data[place];
  });
  return { ...a, shape: sizes.filter((_, axis) => kept[axis]), data };
}

function paired(a, [rows, columns]) {
  if (rows.length !== columns.length)
    throw new Error(`${rows.length} rows and ${columns.length} columns are not pairs`);
  return array([rows.length],
    Float64Array.from(rows, (row, at) => a.data[row * a.shape[1] + columns[at]]));
}

/** The places along an axis that an item of an index chooses. */
function placesOf(item, size) {
  if (typeof item === "number") return [within(item, size)];
  if (item.isMask) throw new Error("a mask cannot be an index here: write where(mask, …, …)");
  if (item.data) return [...item.data].map((place) => within(place, size));
  const step = item.step ?? 1;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const bound = (place, otherwise) => place === null || place === undefined
    ? otherwise
    : Math.min(Math.max(place < 0 ? place + size : place, low), high);
  const start = bound(item.start, step > 0 ? 0 : size - 1);
  const stop = bound(item.stop, step > 0 ? size : -1);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return Array.from({ length: count }, (_, at) => start + at * step);
}

function within(place, size) {
  const found = place < 0 ? place + size : place;
  if (!Number.isInteger(found) || found < 0 || found >= size)
    throw new Error(`the index ${place} is outside an axis of size ${size}`);
  return found;
}
