// Where one entry comes from, and what is computed from it: the rules of Python's
// `explanation/rules.py`, with numbers. A cell is {name, index}: {name: "dW1", index: [3, 7]}.

import { logSoftmax } from "./equations.js";
import { array, entry } from "./matrix.js";

/** The array of a name; M is the mask of dropout. */
export function valueOf(values, name) {
  return name === "M" ? values.mask : values[name];
}

/** The number in a cell. */
export function numberIn(values, { name, index }) {
  return entry(valueOf(values, name), index);
}

/**
 * An entry, taken apart.
 *
 * Returns {name, index, value, form, terms, plus, reads}.
 * - form: "given" for what is not computed, else as in rules.py.
 * - terms: [{factors: [{cell, value}], factor, value, shut, wouldBe}]. The value of a term is
 *   factor × the product of its factors; in "softmax" it is exp(S − the row's maximum), and in
 *   "row loss" −Y log P. shut: "relu" (Z1 ≤ 0) or "dropout" (M is 0) where a mask makes the term
 *   0, else null; wouldBe is its value without the mask.
 * - plus: [{cell, value, factor, product}]: the bias, or λ times a weight ("mean": half the
 *   penalty of W1, then of W2, with cell null).
 * - reads: the cells that the entry is computed from.
 * - sum and shift, of "softmax": what the exponentials are divided by, the row's maximum.
 */
export function explainEntry(values, rules, cell) {
  const { name, index } = cell;
  const found = { name, index, value: numberIn(values, cell), form: "given" };
  const rule = rules[name];
  if (!rule) return { ...found, terms: [], plus: [], reads: [] };
  const at = placed(rule.indices, index);
  const apart = FORMS[rule.form](values, rule, at);
  const plus = [...biases(values, rule, at), ...penalties(values, rule, at)];
  return { ...found, form: rule.form, plus, reads: read(values, rule, at, plus), ...apart };
}

/** The entries that are computed from an entry: [{name, cells}], in the derivation's order. */
export function usedBy(rules, shapes, values, cell) {
  const sizes = sizesOf(values);
  const found = [];
  for (const rule of Object.values(rules)) {
    const cells = readers(rule, shapes, values, sizes, cell);
    if (cells.length) found.push({ name: rule.name, cells });
  }
  return found;
}

/** How many rows, features, hidden units and classes there are, by their letters. */
export function sizesOf({ X, W2 }) {
  const [n, i] = X.shape;
  const [h, k] = W2.shape;
  return { n, i, h, k };
}

const FORMS = {
  sum: (values, rule, at) => ({
    terms: along(values, rule, at, (place) => {
      const factors = rule.factors.map((operand) => factorAt(values, operand, place));
      return { ...term(factors), ...shutOut(values, factors) };
    }),
  }),
  relu: (values, rule, at) => ({ terms: [gated(values, rule.factors[0], at)] }),
  gate: (values, rule, at) => ({ terms: [gated(values, rule.factors[0], at)] }),
  softmax: (values, rule, at) => {
    const factors = along(values, rule, at, (place) => factorAt(values, rule.factors[0], place));
    const shift = factors.reduce((most, { value }) => Math.max(most, value), -Infinity);
    const terms = factors.map((one) => open([one], Math.exp(one.value - shift)));
    return { terms, shift, sum: terms.reduce((sum, { value }) => sum + value, 0) };
  },
  "row loss": (values, rule, at) => {
    const logs = logSoftmax(rowOf(values.S, at.n)).data;
    return {
      terms: along(values, rule, at, (place) => {
        const factors = rule.factors.map((operand) => factorAt(values, operand, place));
        return open(factors, factors[0].value && -factors[0].value * logs[place.k]);
      }),
    };
  },
  mean: (values, rule, at) => ({
    terms: along(values, rule, at, (place) =>
      term([factorAt(values, W, place), factorAt(values, rule.factors[0], place)]),
    ),
  }),
  difference: (values, rule, at) => {
    const weight = factorAt(values, W, at);
    const [P, Y] = rule.factors.map((operand) => factorAt(values, operand, at));
    return { terms: [term([P, weight]), term([Y, weight], -1)] };
  },
  step: (values, rule, at) => {
    const [before, gradient] = rule.factors.map((operand) => factorAt(values, operand, at));
    return { terms: [term([before]), term([gradient], -values.learning_rate)] };
  },
};

/** The weight of a row in the mean, and the mask of dropout: the rules name neither. */
const W = { name: "w", indices: "n" };
const M = { name: "M", indices: "nh" };

/** Operands that an entry reads though its rule's factors do not name them. */
const FURTHER = { relu: [M], gate: [M], mean: [W], difference: [W] };

const PENALISED = ["W1", "W2"];

/** {n: 2, h: 5} of "nh" and [2, 5]. */
function placed(letters, index) {
  return Object.fromEntries([...letters].map((letter, axis) => [letter, index[axis]]));
}

/** f of each place along the axis that a rule sums over. */
function along(values, rule, at, f) {
  const count = sizesOf(values)[rule.over];
  return Array.from({ length: count }, (_, place) => f({ ...at, [rule.over]: place }));
}

function cellAt({ name, indices }, place) {
  return { name, index: [...indices].map((letter) => place[letter]) };
}

function factorAt(values, operand, place) {
  const cell = cellAt(operand, place);
  return { cell, value: numberIn(values, cell) };
}

/** A term that no mask shuts out. */
function open(factors, value, factor = 1) {
  return { factors, factor, value, shut: null, wouldBe: value };
}

function term(factors, factor = 1) {
  return open(factors, product(factors, factor), factor);
}

function product(factors, factor = 1) {
  return factors.reduce((result, { value }) => result * value, factor);
}

/** The value that an array has where no mask sets it to 0. */
const UNMASKED = { H1: "Z1", dZ1: "dH1" };

/** Whether a factor is 0 because of a mask, and what the product would be without it. */
function shutOut(values, factors) {
  const masked = factors.find(({ cell }) => cell.name in UNMASKED);
  const shut = masked ? shutAt(values, masked.cell.index) : null;
  if (!shut) return {};
  const without = numberIn(values, { name: UNMASKED[masked.cell.name], index: masked.cell.index });
  const others = factors.filter((one) => one !== masked);
  return { shut, wouldBe: product(others, without) };
}

/** Why a hidden unit passes nothing on in a row, or null if it does. */
function shutAt(values, index) {
  if (!(entry(values.Z1, index) > 0)) return "relu";
  return values.mask && entry(values.mask, index) === 0 ? "dropout" : null;
}

/** The one term of H1 or dZ1. */
function gated(values, operand, at) {
  const factors = [factorAt(values, operand, at)];
  if (values.mask) factors.push(factorAt(values, M, at));
  const shut = shutAt(values, [at.n, at.h]);
  const found = term(factors, shut === "relu" ? 0 : 1); // where M is 0, the product is
  return { ...found, shut, wouldBe: shut ? factors[0].value : found.value };
}

function biases(values, rule, at) {
  return rule.plus.map((operand) => {
    const found = factorAt(values, operand, at);
    return { ...found, factor: 1, product: found.value };
  });
}

function penalties(values, rule, at) {
  const { l2 } = values;
  if (!l2) return [];
  if (rule.form === "mean")
    return PENALISED.map((name) => {
      const value = values[name].data.reduce((sum, weight) => sum + weight * weight, 0);
      return { cell: null, name, value, factor: l2 / 2, product: (l2 / 2) * value };
    });
  if (!rule.penalised) return [];
  const found = factorAt(values, { name: rule.penalised, indices: rule.indices }, at);
  return [{ ...found, factor: l2, product: l2 * found.value }];
}

/** The cells that an entry is computed from; of the loss, not the weights that are penalised. */
function read(values, rule, at, plus) {
  const further = (FURTHER[rule.form] ?? []).filter(({ name }) => valueOf(values, name));
  const operands = [...rule.factors, ...further];
  const cells = operands.flatMap((operand) =>
    operand.indices.includes(rule.over) && rule.over
      ? along(values, rule, at, (place) => cellAt(operand, place))
      : [cellAt(operand, at)],
  );
  return [...cells, ...plus.filter(({ cell }) => cell).map(({ cell }) => cell)];
}

/** The entries of a rule's array that read a cell. */
function readers(rule, shapes, values, sizes, cell) {
  const operands = [...rule.factors, ...rule.plus, ...(FURTHER[rule.form] ?? [])];
  const operand = operands.find(({ name }) => name === cell.name);
  const isPenalty = values.l2 && rule.penalised === cell.name;
  if (values.l2 && rule.form === "mean" && PENALISED.includes(cell.name))
    return [{ name: rule.name, index: [] }];
  if (!operand && !isPenalty) return [];
  const at = placed(isPenalty ? rule.indices : operand.indices, cell.index);
  if (rule.over) delete at[rule.over]; // all of that axis are read, whichever entry it is
  return everywhere(shapes[rule.name], at, sizes).map((index) => ({ name: rule.name, index }));
}

/** All indices in which some letters are fixed. */
function everywhere(letters, at, sizes) {
  return [...letters].reduce(
    (found, letter) => {
      const fixed = at[letter] !== undefined;
      const places = fixed ? [at[letter]] : Array.from({ length: sizes[letter] }, (_, p) => p);
      return found.flatMap((index) => places.map((place) => [...index, place]));
    },
    [[]],
  );
}

/** A row of a matrix, as a matrix. */
function rowOf(A, row) {
  const columns = A.shape[1];
  return array([1, columns], A.data.subarray(row * columns, (row + 1) * columns));
}
