// The functions and methods that a line may call, by NumPy's names.

import { array } from "../mathematics/matrix.js";
import { along, dot, elementwise, reduce, reshaped, scalar, transposed, zeros } from "./numpy.js";

const number = (a) => (a && a.data ? a.data[0] : a);
const each = (f) => (...arrays) => elementwise(f, ...arrays);
const mask = (f) => (...arrays) => ({ ...elementwise(f, ...arrays), isMask: true });
const sum = (lane) => lane.reduce((total, value) => total + value, 0);
const mean = (lane) => sum(lane) / lane.length;
const most = (lane) => lane.reduce((a, b) => Math.max(a, b), -Infinity);
const least = (lane) => lane.reduce((a, b) => Math.min(a, b), Infinity);
const length = (lane) => Math.sqrt(lane.reduce((total, value) => total + value * value, 0));
const reduction = (f) => (a, axis, keepdims) => reduce(f, a, number(axis), !!number(keepdims));

function deviation(lane) {
  const centre = mean(lane);
  return Math.sqrt(mean(lane.map((value) => (value - centre) ** 2)));
}

function softmaxOf(lane) {
  const shift = most(lane);
  const exponentials = lane.map((value) => Math.exp(value - shift));
  const total = sum(exponentials);
  return exponentials.map((value) => value / total);
}

function running(lane) {
  let total = 0;
  return lane.map((value) => (total += value));
}

/** Halves go to the even neighbour, as NumPy's do. */
function rounded(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

/** The nearest number of 11 significant bits: float16. */
function half(value) {
  if (!Number.isFinite(value) || value === 0) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const spacing = 2 ** (exponent - 10);
  const nearest = rounded(value / spacing) * spacing;
  return Math.abs(nearest) > 65504 ? Math.sign(value) * Infinity : nearest;
}

function roll(a, shift, axis) {
  const by = number(shift);
  const rolled = (lane) => lane.map((_, at) => lane.at((at - by) % lane.length));
  const result = along(rolled, a, axis === undefined ? null : number(axis));
  return { ...result, shape: a.shape };
}

function eye(rows, columns = rows, k = 0) {
  const [n, m, shift] = [rows, columns, k].map(number);
  const { shape, data } = zeros([n, m]);
  return array(shape, data.map((_, at) => Number((at % m) - Math.floor(at / m) === shift)));
}

function withoutRow(a, row) {
  const width = a.shape.length === 2 ? a.shape[1] : 1;
  const left = (number(row) + a.shape[0]) % a.shape[0];
  return array(a.shape, a.data.map((value, at) => (Math.floor(at / width) === left ? 0 : value)));
}

function argmax(lane) {
  return lane.indexOf(most(lane));
}

/** Each with its parameters; "?" marks those that may be left out. */
const TABLE = {
  maximum: ["a b", each(Math.max)],
  minimum: ["a b", each(Math.min)],
  exp: ["a", each(Math.exp)],
  log: ["a", each(Math.log)],
  log2: ["a", each(Math.log2)],
  log10: ["a", each(Math.log10)],
  log1p: ["a", each(Math.log1p)],
  sqrt: ["a", each(Math.sqrt)],
  square: ["a", each((x) => x * x)],
  abs: ["a", each(Math.abs)],
  sign: ["a", each(Math.sign)],
  tanh: ["a", each(Math.tanh)],
  sigmoid: ["a", each((x) => 1 / (1 + Math.exp(-x)))],
  trunc: ["a", each(Math.trunc)],
  round: ["a", each(rounded)],
  float32: ["a", each(Math.fround)],
  float16: ["a", each(half)],
  where: ["condition a b", each((condition, a, b) => (condition ? a : b))],
  clip: ["a low high", each((x, low, high) => Math.min(Math.max(x, low), high))],
  dot: ["a b", dot],
  matmul: ["a b", dot],
  transpose: ["a", transposed],
  outer: ["a b", (a, b) => dot(reshaped(a, [-1, 1]), reshaped(b, [1, -1]))],
  sum: ["a axis? keepdims?", reduction(sum)],
  mean: ["a axis? keepdims?", reduction(mean)],
  max: ["a axis? keepdims?", reduction(most)],
  min: ["a axis? keepdims?", reduction(least)],
  std: ["a axis? keepdims?", reduction(deviation)],
  norm: ["a axis? keepdims?", reduction(length)],
  argmax: ["a axis?", reduction(argmax)],
  any: ["a axis?", reduction((lane) => Number(lane.some(Boolean)))],
  all: ["a axis?", reduction((lane) => Number(lane.every(Boolean)))],
  cumsum: ["a axis?", (a, axis) => along(running, a, axis === undefined ? null : number(axis))],
  softmax: ["a axis?", (a, axis) => along(softmaxOf, a, axis === undefined ? 1 : number(axis))],
  roll: ["a shift axis?", roll],
  eye: ["N M? k?", eye],
  arange: ["stop", (stop) => array([number(stop)], zeros([number(stop)]).data.map((_, at) => at))],
  ones: ["shape", (shape) => filled(shape, 1)],
  zeros: ["shape", (shape) => filled(shape, 0)],
  ones_like: ["a", each(() => 1)],
  zeros_like: ["a", each(() => 0)],
  without_row: ["a row", withoutRow],
  add: ["a b", each((x, y) => x + y)],
  subtract: ["a b", each((x, y) => x - y)],
  multiply: ["a b", each((x, y) => x * y)],
  divide: ["a b", each((x, y) => x / y)],
  power: ["a b", each((x, y) => x ** y)],
  negative: ["a", each((x) => -x)],
  len: ["a", (a) => scalar(a.shape[0])],
  float: ["a", (a) => ({ ...a, isMask: false })],
  astype: ["a dtype", (a) => ({ ...a, isMask: false })],
  copy: ["a", (a) => a],
};

const filled = (shape, value) => elementwise(() => value, zeros([shape].flat().map(number)));

/** What may follow a dot: dS.sum(axis=0). */
const METHODS = new Set([
  "sum", "mean", "max", "min", "std", "argmax", "any", "all", "cumsum", "round", "clip", "dot",
  "transpose", "astype", "copy",
]);

const USUAL = ["maximum", "where", "exp", "log", "sum", "mean", "dot", "transpose", "softmax"];

const NAMED_OTHERWISE = { absolute: "abs", amax: "max", amin: "min", rint: "round" };

/** Call a function by its name with positional and named arguments. */
export function call(name, positional, keywords) {
  const known = NAMED_OTHERWISE[name] ?? name;
  if (!Object.hasOwn(TABLE, known))
    throw new Error(`there is no function “${name}” here; there are ${USUAL.join(", ")}, …`);
  const [text, f] = TABLE[known];
  return f(...bound(name, text.split(" "), positional, keywords));
}

/** Call a method of an array. */
export function callMethod(name, self, positional, keywords) {
  if (name === "reshape") return reshaped(self, positional.flat().map(number));
  if (name === "flatten" || name === "ravel") return reshaped(self, [-1]);
  if (!METHODS.has(name))
    throw new Error(`an array has no “.${name}()” here; it has .reshape, ` +
      `${[...METHODS].map((one) => `.${one}`).join(", ")}`);
  return call(name, [self, ...positional], keywords);
}

/** The arguments in the order of the parameters. */
function bound(name, parameters, positional, keywords) {
  const names = parameters.map((one) => one.replace("?", ""));
  if (positional.length > names.length)
    throw new Error(`${name}() takes ${names.length} arguments: ${names.join(", ")}`);
  const unknown = Object.keys(keywords).find((key) => !names.includes(key));
  if (unknown) throw new Error(`${name}() has no argument “${unknown}”`);
  return parameters.map((parameter, at) => {
    const value = positional[at] ?? keywords[names[at]];
    if (value === undefined && !parameter.endsWith("?"))
      throw new Error(`${name}() needs ${names.filter((_, i) => !parameters[i].endsWith("?"))
        .join(" and ")}`);
    return value;
  });
}

