// The numbers that are given and can be changed: weights, inputs, the sample weights behind w.

import { copy, map } from "../mathematics/matrix.js";
import { numberIn } from "../mathematics/rules.js";

const NUMBERS = new Set(["X", "W1", "b1", "W2", "b2", "w"]);

/** Whether an entry is a number to be typed or dragged; labels and masks are chosen instead. */
export function isNumber(name) {
  return NUMBERS.has(name);
}

/** The number that is given: of w, it is the sample weight, 1 if there are none. */
export function givenNumber(store, cell) {
  if (cell.name !== "w") return numberIn(store.values, cell);
  return store.given.sample_weight?.data[cell.index[0]] ?? 1;
}

export function setGivenNumber(store, cell, value) {
  if (cell.name !== "w") return store.setNumber(cell.name, cell.index, value);
  const weights = sampleWeights(store);
  weights.data[cell.index[0]] = value;
  store.setGiven({ sample_weight: weights });
}

/** Why an entry cannot become a number; "" if it can. */
export function refusal(store, cell, value) {
  if (!Number.isFinite(value)) return "Write a number such as −0.25.";
  if (cell.name !== "w" || value > 0) return "";
  if (value < 0) return "A sample weight is 0 or more.";
  const others = sampleWeights(store).data.filter((_, row) => row !== cell.index[0]);
  return others.some((other) => other > 0) ? "" : "One sample weight at least is above 0.";
}

function sampleWeights(store) {
  const given = store.given.sample_weight;
  return given ? copy(given) : map(() => 1, store.values.w);
}

/** A number from a text, with a minus sign or decimal comma of any kind; NaN if it is none. */
export function typedNumber(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  return plain ? Number(plain) : NaN;
}
