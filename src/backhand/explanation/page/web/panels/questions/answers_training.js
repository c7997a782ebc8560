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
            "That is why one class is predicted, and the accuracy is its share, such as 17 % with " +
            "six classes. The sum of P − Y over the rows is then 1 minus the number of rows of " +
            `the class, whatever the scores are: for ${store.names.k[k]} 1 − ${shown(most)}, so ` +
            `that db2[${k}] = ${shown((1 - most) / N)} in every step. It never becomes 0, and b2 ` +
            "grows without end, though with axis=0 it changes no P. Each class gets its 1 from a few rows; in all others P is about 0, " +
            "log P goes to −∞, and the largest of these tiny numbers is mostly of the same " +
            "class."
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
          return ` is ${shown(v.L.data[0])} now, and log ${K} = ${shown(Math.log(K))}. `;
        }),
        text((v) => predictions(v, store.names.k)),
        " Are the gradients correct? Only then try other learning rates.",
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
        "A unit is dead if Z1 ≤ 0 in all rows. Then its column of dZ1 is 0, with it its column " +
          "of dW1 and its entry of db1, and since its column of H1 is 0, so is its row of dW2. ",
        text((v) => {
          const dead = deadUnits(v);
          if (!dead.length) return "No unit is dead here: see for example ";
          return `Dead here: ${dead.slice(0, 20).join(", ")}. See for example `;
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
        "Libraries with autograd make each gradient 0 first, and backward() fills it in: before, " +
          "all are 0. Here too a gradient is there only after its line; step by step, ",
        link((v) => largest(v, "dW1")),
        text((v) => {
          const { data } = v.dW1;
          const zeros = data.filter((value) => value === 0).length;
          return (
            ` is empty until the line of dW1. After it, ${zeros} of ${data.length} entries of ` +
            "dW1 are 0, such as those of dead units. So: forward, backward(), then draw; and set " +
            "the gradients to 0 before the next backward(), which adds to what is there. “Play” " +
            "above the matrices shows the order in which they come to be."
          );
        }),
      ),
    ],
  },
];

function canItRecover({ l2 }) {
  const penalty = l2 ? ", and the penalty can if its b1 is above 0, since only weights shrink" : "";
  return (
    "Gradient descent on these rows leaves it as it is. Other rows can revive it, or what is " +
    `left of momentum${penalty}. The panel “Hidden units and their masks” makes a unit dead, and ` +
    "brings it back."
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
