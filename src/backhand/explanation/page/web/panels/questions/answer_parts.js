// Entries and sums that several answers are about.

import { element } from "../../parts/dom.js";
import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";

export function paragraph(...content) {
  return element("p", {}, ...content);
}

/** The entry of a value with the largest absolute value. */
export function largest(values, name) {
  const a = values[name];
  let best = 0;
  for (let at = 1; at < a.data.length; at++)
    if (Math.abs(a.data[at]) > Math.abs(a.data[best])) best = at;
  return cellAt(values, name, best);
}

/** The entry of a value at a place of its data. */
export function cellAt(values, name, place) {
  const { shape } = values[name];
  const index = shape.length === 2 ? [Math.floor(place / shape[1]), place % shape[1]] : [place];
  return { name, index };
}

export function numberOf(values, { name, index }) {
  return entry(values[name], index);
}

/** A number in a product: negative ones in brackets. */
function factor(value) {
  const text = shown(value);
  return text.startsWith("−") ? `(${text})` : text;
}

/** "2 · 0.1 + 0 · 3 + …": pairs of numbers as a sum of products, at most `most` of them. */
export function sumOfProducts(pairs, most = 8) {
  const terms = pairs.slice(0, most).map(([a, b]) => `${factor(a)} · ${factor(b)}`);
  const left = pairs.length - terms.length;
  return terms.join(" + ") + (left > 0 ? ` + ${left} more` : "");
}

export function norm({ data }) {
  return Math.sqrt(data.reduce((all, number) => all + number * number, 0));
}
