// Lines of code such as "(P - Y) / N", computed from values: the dictionary's, and a reader's own.
// Nothing is passed to the browser's own evaluation: a line is parsed, and its tree computed.

import { call, callMethod } from "./functions.js";
import { dot, elementwise, scalar, taken, transposed } from "./numpy.js";
import { LineError, parse } from "./parse.js";

const parsed = new Map();

/**
 * A line as a function of values: {X, Z1, …} gives an array. Beside the values, a line may read
 * N, d, H, K, y, l2 and eta.
 *
 * Throws a LineError, with `at`, the place of the fault in the text, if the text is not a line;
 * the function throws one if names are unknown or shapes do not fit.
 */
export function parseLine(code) {
  if (!parsed.has(code)) parsed.set(code, parse(code));
  const tree = parsed.get(code);
  return (values) => {
    const found = evaluate(tree, scope(values));
    if (!found.data) throw new LineError("a line gives an array, not several values", 0);
    return found;
  };
}

/**
 * Compute lines one after the other: {name: code} of every equation, in the derivation's order.
 *
 * Returns {values, errors}: the given values with those of the lines, by name; and for each line
 * that could not be computed, a message. What such a line should give is not among the values.
 */
export function derive(given, lines) {
  const values = scope(given);
  const errors = {};
  for (const [name, code] of Object.entries(lines)) {
    delete values[name];
    try {
      values[name] = parseLine(code)(values);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      errors[name] = error.message;
    }
  }
  return { values, errors };
}

/** The code of every equation, with the penalty or without, of `contents.lines`. */
export function codeOf(lines, penalty) {
  return Object.fromEntries(
    Object.entries(lines).map(([name, line]) => [name, line.data + (penalty ? line.penalty : "")]),
  );
}

/** The values, and the sizes and settings that lines read; computed once for each object. */
function scope(values) {
  if (values.N?.data) return values;
  const [N, d] = values.X.shape;
  const [H, K] = values.W2.shape;
  const { l2, learning_rate: eta } = values;
  const numbers = { N, d, H, K, l2, eta };
  const scalars = Object.entries(numbers).map(([name, value]) => [name, scalar(value)]);
  const y = call("argmax", [values.Y, scalar(1)], {});
  return { ...values, ...Object.fromEntries(scalars), y };
}

const isMask = (f) => (a, b) => ({ ...elementwise(f, a, b), isMask: true });

const OPERATORS = {
  "+": (a, b) => elementwise((x, y) => x + y, a, b),
  "-": (a, b) => elementwise((x, y) => x - y, a, b),
  "*": (a, b) => elementwise((x, y) => x * y, a, b),
  "/": (a, b) => elementwise((x, y) => x / y, a, b),
  "//": (a, b) => elementwise((x, y) => Math.floor(x / y), a, b),
  "%": (a, b) => elementwise((x, y) => x - y * Math.floor(x / y), a, b),
  "**": (a, b) => elementwise((x, y) => x ** y, a, b),
  "@": dot,
  "==": isMask((x, y) => x === y),
  "!=": isMask((x, y) => x !== y),
  "<": isMask((x, y) => x < y),
  "<=": isMask((x, y) => x <= y),
  ">": isMask((x, y) => x > y),
  ">=": isMask((x, y) => x >= y),
  "&": isMask((x, y) => x && y),
  "|": isMask((x, y) => x || y),
};

const UNARY = {
  "-": (a) => elementwise((x) => -x, a),
  "+": (a) => a,
  "~": (a) => ({ ...elementwise((x) => !x, a), isMask: true }),
};

const CONSTANTS = { True: 1, False: 0, pi: Math.PI, inf: Infinity, nan: NaN };

/** Names that are arguments of astype: an array of doubles stays one. */
const TYPES = new Set(["float", "int", "bool", "float64"]);

const NODES = {
  number: ({ value }) => scalar(value),
  name: named,
  tuple: ({ items }, values) => items.map((item) => evaluate(item, values)),
  unary: ({ operator, of }, values) => UNARY[operator](single(of, values)),
  binary: ({ operator, left, right }, values) =>
    OPERATORS[operator](single(left, values), single(right, values)),
  attribute: attribute,
  call: called,
  index: indexed,
};

/** The value of a node; what goes wrong in it is a LineError with its place. */
function evaluate(node, values) {
  try {
    return NODES[node.kind](node, values);
  } catch (error) {
    if (error instanceof LineError) throw error;
    throw new LineError(error.message, node.at);
  }
}

/** An array; a tuple, as in (a, b) + c, is refused. */
function single(node, values) {
  const found = evaluate(node, values);
  if (!found?.data) throw new LineError("an array was expected here", node.at);
  return found;
}

function named({ name }, values) {
  if (Object.hasOwn(CONSTANTS, name)) return scalar(CONSTANTS[name]);
  if (name === "None" || name === "newaxis") return null;
  if (TYPES.has(name)) return name;
  const found = name === "w" || name === "M" ? null : values[name];
  if (found?.data) return found;
  const known = Object.keys(values).filter((one) => values[one]?.data && /^\w+$/.test(one));
  throw new Error(`“${name}” is not known here; known are ${known.join(", ")}`);
}

const isNumpy = (node) => node.kind === "name" && (node.name === "np" || node.name === "numpy");

function attribute({ of, name }, values) {
  if (isNumpy(of) && TYPES.has(name)) return name;
  if (isNumpy(of) && name === "newaxis") return null;
  if (isNumpy(of) && Object.hasOwn(CONSTANTS, name)) return scalar(CONSTANTS[name]);
  const found = single(of, values);
  if (name === "T") return transposed(found);
  if (name === "shape") return found.shape.map(scalar);
  if (name === "size") return scalar(found.data.length);
  throw new Error(`an array has no “.${name}” here; it has .T, .shape and .size`);
}

function called({ of, positional, keywords }, values) {
  const given = positional.map((one) => evaluate(one, values));
  const named = Object.fromEntries(
    Object.entries(keywords).map(([name, one]) => [name, evaluate(one, values)]),
  );
  if (of.kind === "name") return call(of.name, given, named);
  if (of.kind !== "attribute") throw new Error("only functions can be called");
  const isLinalg = of.of.kind === "attribute" && isNumpy(of.of.of) && of.of.name === "linalg";
  if (isNumpy(of.of) || isLinalg) return call(of.name, given, named);
  return callMethod(of.name, single(of.of, values), given, named);
}

function indexed({ of, items }, values) {
  const found = evaluate(of, values);
  const chosen = items.map((item) => itemOf(item, values));
  if (Array.isArray(found)) return found.at(chosen[0]);
  const part = taken(found, chosen.filter((item) => item !== null));
  return chosen.includes(null) ? withNewAxes(part, chosen) : part;
}

/** A part of an array, with an axis of size 1 wherever the index has None. */
function withNewAxes(part, chosen) {
  const rest = [...part.shape];
  const sizes = chosen.flatMap((item) =>
    item === null ? [1] : typeof item === "number" ? [] : [rest.shift()],
  );
  return { ...part, shape: [...sizes, ...rest] };
}

/** A number, an array of numbers, a slice of numbers, or null for a new axis. */
function itemOf(item, values) {
  const bound = (node) => (node === null ? null : single(node, values).data[0]);
  if (item.kind === "slice")
    return { start: bound(item.start), stop: bound(item.stop), step: bound(item.step) };
  if (evaluate(item, values) === null) return null;
  const found = single(item, values);
  return found.shape.length ? found : found.data[0];
}
