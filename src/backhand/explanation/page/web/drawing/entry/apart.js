// An entry taken apart, as the lines of a table: one per term, then what is added, then the entry.

import { cellName } from "../../state/cells.js";
import { ownName, withName } from "../../state/names.js";
import { shown } from "../../parts/numbers.js";
import { numberIn } from "../../mathematics/rules.js";

/** The number of terms up to which all are shown, in order; of more, only the largest are. */
const ALL = 16;
const LARGEST = 10;

/**
 * The table of what `explainEntry` returns: {head, lines, others, total}.
 *
 * - head: texts of the columns
 * - lines: [{texts, cells, shut, note}]: a text per column; cells: the entry behind it, or null
 * - others: {count, sum} of terms that are not shown, or null
 */
export function tableOf(store, found) {
  const terms = chosen(found.terms);
  const table = (TABLES[found.form] ?? TABLES.given)(store, found, terms.shown);
  if (terms.others) table.head[0] += ", largest first";
  return { others: terms.others, ...table, lines: [...table.lines, ...table.added ?? []] };
}

/** The terms that are shown, and the sum of the others. */
function chosen(terms) {
  if (terms.length <= ALL) return { shown: terms, others: null };
  const bySize = [...terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rest = bySize.slice(LARGEST);
  const sum = rest.reduce((result, { value }) => result + value, 0);
  return { shown: bySize.slice(0, LARGEST), others: { count: rest.length, sum } };
}

const TABLES = {
  sum(store, found, terms) {
    const rule = store.rules[found.name];
    const several = rule.factors.length > 1;
    const names = rule.factors.map((one) => pattern(rule, one, found));
    return {
      head: [store.contents.axes[rule.over], ...names, ...(several ? ["product"] : [])],
      lines: terms.map((term) => ({
        ...(several ? factorsAndProduct : factorsAlone)(store, rule, term),
        shut: term.shut,
        note: reason(term),
      })),
      added: added(found.plus, names.length + Number(several)),
    };
  },
  softmax(store, found, terms) {
    const rule = store.rules.P;
    return {
      head: ["class", pattern(rule, rule.factors[0], found), "exp(S − max)", "÷ sum"],
      lines: terms.map((term) => {
        const [S] = term.factors;
        const numbers = [S.value, term.value, term.value / found.sum];
        return {
          ...placed(store, rule, term, numbers),
          mark: S.cell.index[1] === found.index[1],
        };
      }),
    };
  },
  "row loss"(store, found, terms) {
    const rule = store.rules.losses;
    return {
      head: ["class", "Y", "P", "−Y log P"],
      lines: terms.map((term) => factorsAndProduct(store, rule, term)),
    };
  },
  mean(store, found, terms) {
    const rule = store.rules.L;
    return {
      head: ["row", "w[n]", "losses[n]", "product"],
      lines: terms.map((term) => factorsAndProduct(store, rule, term)),
      added: added(found.plus, 3),
    };
  },
  difference(store, found) {
    const [P, Y] = found.terms.map((term) => term.factors[0]);
    const w = found.terms[0].factors[1];
    const texts = [P.value, Y.value, P.value - Y.value, w.value, found.value].map((x) => shown(x));
    return {
      head: [cellName(P.cell), cellName(Y.cell), "P − Y", cellName(w.cell), "product"],
      lines: [{ texts, cells: [P.cell, Y.cell, null, w.cell, null] }],
    };
  },
  relu: gated,
  gate: gated,
  step(store, found) {
    const [before, gradient] = found.terms.map((term) => term.factors[0]);
    const eta = store.given.learning_rate;
    const texts = [before.value, eta, gradient.value, found.value].map((x) => shown(x));
    return {
      head: [cellName(before.cell), "η", cellName(gradient.cell), `${found.name}`],
      lines: [{ texts, cells: [before.cell, null, gradient.cell, null] }],
    };
  },
  given: () => ({ head: [], lines: [] }),
};

/** H1 of Z1, and dZ1 of dH1: what comes in, what the masks do. */
function gated(store, found) {
  const [term] = found.terms;
  const z = { name: "Z1", index: found.index };
  const cells = term.factors.map(({ cell }) => cell);
  const texts = term.factors.map(({ value }) => shown(value));
  const active = numberIn(store.values, z) > 0;
  return {
    head: [...cells.map(cellName), "Z1 > 0", found.name],
    lines: [
      {
        texts: [...texts, active ? "yes: 1" : "no: 0", shown(found.value)],
        cells: [...cells, z, null],
        shut: term.shut,
        note: reason(term),
      },
    ],
  };
}

/** X[n,2] for dW1[2, 5]: the letter that runs, and the numbers that stay. */
function pattern(rule, { name, indices }, { index }) {
  const at = Object.fromEntries([...rule.indices].map((letter, axis) => [letter, index[axis]]));
  if (rule.over) at[rule.over] = rule.over;
  const places = [...indices].map((letter) => at[letter]);
  return `${name}[${places.join(",")}]`;
}

/** A line with the place of its term along the axis that is summed over, and numbers. */
function placed(store, rule, term, numbers) {
  const { cell } = term.factors[0];
  const place = cell.index[store.shapes[cell.name].indexOf(rule.over)];
  const cells = [null, ...term.factors.map((factor) => factor.cell)];
  const own = ownName(store, rule.over, place);
  const name = rule.over === "n" ? withName(place, own) : `${place} ${own}`.trim();
  const texts = numbers.map((number) => shown(number));
  return { texts: [String(name), ...texts], cells: padded(cells, texts.length + 1) };
}

function factorsAlone(store, rule, term) {
  return placed(store, rule, term, term.factors.map(({ value }) => value));
}

function factorsAndProduct(store, rule, term) {
  return placed(store, rule, term, [...term.factors.map(({ value }) => value), term.value]);
}

function added(plus, width) {
  return plus.map(({ cell, name, value, factor, product }) => {
    const label = cell ? cellName(cell) : `‖${name}‖²`;
    const texts = Array(width + 1).fill("");
    texts[0] = `+ ${factor === 1 ? "" : `${shown(factor)} × `}${label}`;
    if (factor !== 1) texts[width - 1] = shown(value);
    texts[width] = shown(product);
    const cells = padded([], width + 1);
    cells[factor === 1 ? width : width - 1] = cell;
    return { texts, cells, plus: true };
  });
}

function padded(cells, width) {
  return Array.from({ length: width }, (_, at) => cells[at] ?? null);
}

const OF_UNITS = new Set(["H1", "dZ1", "Z1", "dH1"]);

/** Why a mask makes a term 0, and what it would be without. */
function reason({ shut, wouldBe, factors }) {
  if (!shut) return "";
  const unit = factors.find(({ cell }) => OF_UNITS.has(cell.name));
  const place = unit.cell.index.join(",");
  const why = shut === "relu" ? `Z1[${place}] ≤ 0` : `M[${place}] = 0`;
  return `${why}, else ${shown(wouldBe)}`;
}
