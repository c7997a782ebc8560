// What the page shows, and what its letters and signs are: at the top, folded but for a sentence.

import { element } from "../parts/dom.js";
import { sizesOf } from "../mathematics/rules.js";

/** The introduction: it goes by the sizes of the problem as the page is opened. */
export function introduction(store) {
  const { n, i, h, k } = sizesOf(store.values);
  const lists = [LETTERS({ n, i, h, k }), SIGNS, USE].map((list) =>
    element("dl", {}, list.flatMap(([term, text]) => [
      element("dt", {}, term),
      element("dd", {}, text),
    ])),
  );
  return element(
    "div",
    { class: "introduction" },
    element("p", {}, WHAT),
    element("details", {}, element("summary", {}, "Letters, signs, and how to use the page"), lists),
  );
}

const WHAT =
  "A neural network as its matrices: from the features X of each row it computes the " +
  "probabilities P of the classes, and the loss L says how far they are from the right classes Y. " +
  "Below each value stands its gradient: dW1 is the gradient of L with respect to W1.";

const LETTERS = ({ n, i, h, k }) => [
  ["N, d, H, K", `the numbers of rows (${n}), features (${i}), hidden units (${h}), classes (${k})`],
  ["n, i, h, k", "one of each, from 0 on: X[n,i] is feature i of row n"],
  ["W1, b1, W2, b2", "the parameters, which training changes: weights and biases of two layers"],
  ["θ", "all the parameters, or one of their entries"],
  ["Z1, H1", "the hidden units before and after ReLU, which sets numbers below 0 to 0"],
  ["S", "the scores of the classes, also called logits; softmax makes probabilities P of them"],
  ["Y", "one-hot: in each row, 1 for the row’s class and 0 for the others"],
  ["losses, L", "the loss of each row, and their mean"],
  ["w", "the weight of each row in that mean: 1/N; with sample weights s, w[n] = s[n] / Σ s"],
  ["dX", "the gradient of L with respect to X: by how much L grows per unit of each entry"],
  ["η", "the learning rate, the length of a step"],
];

const SIGNS = [
  ["ᵀ", "transposed: rows become columns"],
  ["⊙", "multiplied entry by entry; without a sign between them, matrices are multiplied"],
  ["∑", "the sum over the index below it"],
  ["‖a‖", "the norm of an array: the square root of the sum of the squares of all its entries"],
  ["‖g‖²", "the sum of the squares of all entries of the gradients of the parameters"],
  [
    ".123",
    "in a cell: 0.123, rounded; 2e-4 is 0.0002; +0, −0: not exactly 0, but smaller than 1e-9 in " +
      "size",
  ],
  ["blue, orange", "numbers above and below 0; the larger in its matrix, the stronger"],
  ["hatched", "multiplied by 0, since the unit’s Z1 is not above 0 or dropout drops it"],
];

const USE = [
  ["see", "point at a number: what it is computed from lights up, and the sum appears below"],
  ["pin", "click a number, or press the space bar; the Escape key unpins it"],
  [
    "change",
    "numbers of X, W1, b1, W2, b2 and w: drag them up or down, or double-click and type; a double " +
      "click on Y makes that class the row’s",
  ],
  [
    "keys",
    "Tab moves from matrix to matrix, the arrow keys from number to number; Enter changes a number " +
      "or a class, + and - raise and lower a number",
  ],
];
