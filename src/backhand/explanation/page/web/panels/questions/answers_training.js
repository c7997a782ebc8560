// Answers about networks that do not learn.

import { cellAt, largest, numberOf, paragraph } from "./answer_parts.js";
import { columnSums } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { rowOf, sum } from "../../mathematics/row_softmax.js";
import { range } from "../../parts/table.js";
import { deadUnits } from "../../mathematics/unit_state.js";

export const TRAINING_ANSWERS = [
  {
    number: 11,
    title: "My softmax network learns almost nothing",
    answer: ({ text, link, store }) => [
      paragraph(
        "Check that the probabilities of each example sum to 1: ",
        link(() => ({ name: "P", index: [0, 0] })),
        text((v) => {
          const sums = [...columnSums(v.P).data].slice(0, 10);
          const columns = sums.map((one) => shown(one)).join(", ");
          return (
            ` and the rest of row 0 sum to ${shown(sum(rowOf(v.P, 0)), 8)}. The columns sum to ` +
            `${columns} here, and need not sum to 1. With the exponentials divided by the sum ` +
            "over the batch (axis=0, or Python's sum) it is the other way round: each class sums " +
            "to 1."
          );
        }),
      ),
      paragraph(
        text(({ Y, P }) => {
          const N = P.shape[0];
          const rows = [...columnSums(Y).data];
          const [k, most] = rows.reduce((best, n, at) => (n > best[1] ? [at, n] : best), [0, 0]);
          return (
            "Each class gets its 1 from a few rows. In all others every P is about 0, and the " +
            "largest of them is of the class whose score is nearest to its maximum over the " +
            "batch: mostly the one class whose scores vary least. That is why one class is " +
            "predicted, and the accuracy is its share, such as 17 % with six classes. Where P is " +
            "rounded to 0, log P is −∞, and 0 · log 0 is nan. The sum of P − Y over the rows is " +
            `1 minus the number of rows of the class, whatever the scores are: for ${store.names.k[k]} 1 − ${shown(most)}, so ` +
            `that db2[${k}] = ${shown((1 - most) / N)} in every step. It never becomes 0, and b2 ` +
            "grows without end, though with axis=0 it changes no P."
          );
        }),
      ),
    ],
  },
  {
    number: 12,
    title: "The cost stands still, and only one class is predicted",
    answer: ({ text, link, store }) => [
      paragraph(
        "Check in this order. Do the probabilities of each row sum to 1? Is the first loss near " +
          "log K, as for small random weights? ",
        link(() => ({ name: "L", index: [] })),
        text((v) => {
          const K = v.P.shape[1];
          return (
            ` is ${shown(v.L.data[0])} now, and log ${K} = ${shown(Math.log(K))}. A first loss ` +
            "far above it: the weights are too large, X is not standardised, or L is a sum and " +
            "not a mean. "
          );
        }),
        text((v) => predictions(v, store.names.k)),
        " Are all hidden units dead? Then H1 = 0 and S = b2 in every row, which is one class. ",
        text((v) => `Dead here: ${deadUnits(v).length} of ${v.W1.shape[1]}. `),
        "Are the gradients correct? Only then try other learning rates.",
      ),
    ],
  },
  {
    number: 13,
    title: "With ReLU, the accuracy collapses in the middle of training",
    answer: ({ text, link }) => [
      paragraph(
        "exp(S) is infinite for S above 709.78 in float64, and above 88.72 in float32; then P is " +
          "∞/∞, not a number, and so are the weights after the next update. The largest score " +
          "here is ",
        link((v) => highest(v, "S")),
        text((v) => ` = ${shown(numberOf(v, highest(v, "S")))}. `),
        "ReLU does not bound the scores, so they can get there while all goes well. Subtract the " +
          "largest score of each row first, as this page does: no P changes. If no number is " +
          "nan, η is too high: the scores jump at each step, and units die (next question).",
      ),
    ],
  },
  {
    number: 14,
    title: "Can a dead unit recover?",
    answer: ({ text, link }) => [
      paragraph(
        "A unit is dead if Z1 ≤ 0 in all rows. Then its columns of dZ1 and of H1 are 0. So its " +
          "entry of db1 is 0, and for λ = 0 so are its column of dW1 and its row of dW2. ",
        text((v) => {
          const dead = deadUnits(v);
          if (!dead.length) return "No unit is dead here: see for example ";
          const units = dead.length > 1 ? "units" : "unit";
          return `Dead here: ${units} ${dead.slice(0, 20).join(", ")}. See for example `;
        }),
        link((v) => ({ name: "db1", index: [deadUnits(v)[0] ?? 0] })),
        text((v) => ` = ${shown(v.db1.data[deadUnits(v)[0] ?? 0])}. `),
        text((_, given) => canItRecover(given)),
      ),
    ],
  },
  {
    number: 20,
    title: "Why are all gradients 0 in my graph?",
    answer: ({ text, link }) => [
      paragraph(
        "Before backward() a gradient is 0, or None in PyTorch; backward() fills it in. Here too " +
          "a gradient is there only after its line; step by step, ",
        link((v) => largest(v, "dW1")),
        text((v) => {
          return (
            ` is empty until the line of dW1. After it, ${zerosOf(v)}. ` +
            "So: forward, backward(), then draw; and set " +
            "the gradients to 0 before the next backward(), which adds to what is there. “Play” " +
            "above the matrices shows the order in which they are computed."
          );
        }),
      ),
    ],
  },
];

/** How many entries of dW1 are 0, and whether dead units explain all of them. */
function zerosOf(values) {
  const { shape: [d, H], data } = values.dW1;
  const zeros = data.filter((value) => value === 0).length;
  if (!zeros) return "no entry of dW1 is 0";
  const dead = deadUnits(values);
  const [units, columns] = dead.length > 1 ? ["units", "columns"] : ["unit", "column"];
  // With a penalty, the gradient of a dead unit is λ W1.
  const areTheirs = zeros === d * dead.length && dead.length <= 20 && !values.l2;
  const whose = areTheirs ? `, the ${columns} of the dead ${units} ${dead.join(", ")}` : "";
  return `${zeros} of ${d * H} entries of dW1 are 0${whose}`;
}

function canItRecover({ l2 }) {
  const steps = l2
    ? "Gradient descent on these rows changes its weights by the penalty only: they shrink, and " +
      "Z1 approaches b1, so it comes back if its b1 is above 0. "
    : "Without a penalty (λ = 0, as here), gradient descent on these rows leaves it as it is; " +
      "with one, its weights shrink. ";
  return (
    `${steps}Other rows can revive it, or momentum from earlier steps. The ` +
    "panel “Hidden units and their masks” makes a unit dead, and brings it back."
  );
}

function predictions({ P }, names) {
  const counts = new Array(P.shape[1]).fill(0);
  for (const n of range(P.shape[0])) {
    const row = rowOf(P, n);
    counts[row.indexOf(Math.max(...row))] += 1;
  }
  const parts = counts.map((count, k) => [count, names[k]]).filter(([count]) => count);
  return `Predicted are ${parts.map(([count, name]) => `${count} × ${name}`).join(", ")}.`;
}

/** The highest entry of a value. */
function highest(values, name) {
  const { data } = values[name];
  const place = data.reduce((best, value, at) => (value > data[best] ? at : best), 0);
  return cellAt(values, name, place);
}
