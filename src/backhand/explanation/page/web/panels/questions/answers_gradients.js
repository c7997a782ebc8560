// Answers about the equations of the backward pass.

import { largest, numberOf, paragraph } from "./answer_parts.js";
import { entry, total } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { lossByScore, sum } from "../../mathematics/row_softmax.js";
import { range } from "../../parts/table.js";

export const GRADIENT_ANSWERS = [
  {
    number: 2,
    title: "The check fails, and I have read every line. What now?",
    answer: ({ text, link }) => [
      paragraph(
        "Compare the arrays one by one, entry by entry. Nothing is computed from dW1, db1, dW2 " +
          "and db2, so a fault in the line of one of them leaves the others correct, and several " +
          "such faults can be found one after the other. Their largest entries here: ",
        ...["dW2", "db2", "dW1", "db1"].flatMap((name, at) => [
          at ? ", " : "",
          link((v) => largest(v, name)),
          text((v) => ` = ${shown(numberOf(v, largest(v, name)))}`),
        ]),
        ". If yours divided by these is one number for a whole array, it is a factor in its " +
          "line: with dW2 * 2 the ratio is 2 in all of dW2, and 1 in the others.",
      ),
      paragraph(
        "There can be two faults: with 4/m in db1 as well, the ratio is 4 there. Neither hides " +
          "the other. A fault in dS, dH1 or dZ1 does hide others, since all that follows is wrong " +
          "with it: correct the first array that is wrong, in the order of the computation, and " +
          "compare again. The panel “Wrong lines” shows for each mistake which arrays it reaches.",
      ),
    ],
  },
  {
    number: 3,
    title: "dW2 and db2 are correct, dW1 is wrong. Why?",
    answer: ({ text, link }) => [
      paragraph(
        "Then dS and H1 are correct as well. What remains is the way from dS to dW1, which is " +
          "here, for one entry: ",
        link((v) => ({ name: "dS", index: [rowAndUnit(v)[0], 0] })),
        " → ",
        link((v) => ({ name: "dH1", index: rowAndUnit(v) })),
        " → ",
        link((v) => ({ name: "dZ1", index: rowAndUnit(v) })),
        " → ",
        link((v) => ({ name: "dW1", index: [0, rowAndUnit(v)[1]] })),
        ". If ",
        link((v) => ({ name: "db1", index: [rowAndUnit(v)[1]] })),
        " is correct, so is dZ1, and the fault is in the line of dW1; if it is not, the fault is " +
          "in dH1 or dZ1: 1/m once more, @ for *, dW2 for W2, another activation's derivative.",
      ),
      paragraph(
        text(({ X, W2 }) => {
          const [N, d] = X.shape;
          const [H, K] = W2.shape;
          return (
            "If all values are correct and a hidden test fails, the line may hold for your sizes " +
            `only: a number where N belongs, a name that exists in your notebook only, or a ` +
            `product that fits since two sizes are equal (here N = ${N}, d = ${d}, H = ${H}, ` +
            `K = ${K}). Compare on a second problem with four other, different sizes.`
          );
        }),
      ),
    ],
  },
  {
    number: 7,
    title: "Why divide by N?",
    answer: ({ text, link }) => [
      paragraph(
        "Because L is a mean: a constant factor in the loss is also a factor in its gradient. ",
        link((v) => largest(v, "dS")),
        text((v, given) => {
          const cell = largest(v, "dS");
          const [n] = cell.index;
          const difference = entry(v.P, cell.index) - entry(v.Y, cell.index);
          const share = given.sample_weight ? `w[${n}]` : `1/${v.X.shape[0]}`;
          return (
            ` = (P − Y) · ${share} = ${shown(difference)} · ${shown(entry(v.w, [n]))} = ` +
            `${shown(numberOf(v, cell))}. Without the factor every gradient is that of the sum ` +
            "of the losses: the step depends on the number of rows, and a penalty becomes too " +
            "weak beside it."
          );
        }),
      ),
    ],
  },
  {
    number: 8,
    title: "Why is 1/m in dW and not in dZ?",
    answer: ({ text, link }) => [
      paragraph(
        "It has to occur once on the way from the loss to each gradient, and the place is a " +
          "choice. ",
        link((v) => largest(v, "dW2")),
        text((v, given) => {
          const cell = largest(v, "dW2");
          const N = v.X.shape[0];
          if (given.sample_weight)
            return (
              ` = ${shown(numberOf(v, cell))} has the factor in dS. With sample weights each row ` +
              "has a factor of its own, so that it can be in dS only, before the sum over the rows."
            );
          const [h, k] = cell.index;
          const whole = sum(
            range(N).map((n) => entry(v.H1, [n, h]) * (entry(v.P, [n, k]) - entry(v.Y, [n, k]))),
          );
          const penalty = given.l2 ? " (and λ W2, which is not divided)" : "";
          return (
            ` = ${shown(numberOf(v, cell))} has it in dS. With dS = P − Y the sum over the rows ` +
            `is ${shown(whole)}, and divided by N = ${N} in the line of dW2 it is ` +
            `${shown(whole / N)}${penalty}. Dividing in both places gives ${shown(whole / N / N)}.`
          );
        }),
      ),
    ],
  },
  {
    number: 9,
    title: "The Jacobian of softmax, or P − Y?",
    answer: ({ text, link }) => [
      paragraph(
        "Both are the same, if the Jacobian is complete. For ",
        link(otherClass),
        text((v) => {
          const [n, k] = otherClass(v).index;
          const y = entry(v.Y, [n, k]);
          const p = entry(v.P, [n, k]);
          return (
            `, before the factor of the mean: Jacobian times −Y/P is ` +
            `${shown(lossByScore(v.P, v.Y, n, k), 8)}, and P − Y is ${shown(p - y, 8)}. With the ` +
            `diagonal alone it would be ${shown(-y * (1 - p), 8)}, as for every class but the ` +
            "true one. The panel “Softmax and cross-entropy” has each term."
          );
        }),
      ),
    ],
  },
  {
    number: 10,
    title: "I derive db in two ways and get two answers",
    answer: ({ text, link }) => [
      paragraph(
        "b2 has one entry for each class, and each is added to the scores of its class only, in " +
          "every row: the sum is over the rows. ",
        link((v) => largest(v, "db2")),
        text((v) => {
          const [k] = largest(v, "db2").index;
          return (
            ` = ${shown(entry(v.db2, [k]))}. A number that is added to all scores would change ` +
            `no P, and its gradient is 0: the sum of all entries of dS, ${shown(total(v.dS), 2)} ` +
            "here, is 0 up to rounding. That is what dS.sum() without an axis computes."
          );
        }),
      ),
    ],
  },
  {
    number: 19,
    title: "Does the penalty have a factor 1/2?",
    answer: ({ text, link }) => [
      paragraph(
        "With or without, as long as the loss and the gradient have the same: (λ/2) ‖W‖² has the " +
          "gradient λ W, and λ ‖W‖² has 2λ W. The page has the 1/2. ",
        link((v) => largest(v, "W1")),
        text((v, { l2 }) => {
          const weight = numberOf(v, largest(v, "W1"));
          const rate = l2 || 0.01;
          const start = l2 ? "" : ", with λ = 0.01 in place of 0 here,";
          return (
            ` = ${shown(weight)}${start} adds λ W1 = ${shown(rate)} · ${shown(weight)} = ` +
            `${shown(rate * weight)} to its gradient; without the 1/2 in the loss it would be ` +
            `${shown(2 * rate * weight)}.`
          );
        }),
      ),
    ],
  },
];

/** The row and the unit of the largest entry of dZ1. */
function rowAndUnit(values) {
  return largest(values, "dZ1").index;
}

/** In the row of the largest dS, the entry of the most probable class that is not the true one. */
function otherClass(values) {
  const [n] = largest(values, "dS").index;
  const { P, Y } = values;
  const others = range(P.shape[1]).filter((k) => entry(Y, [n, k]) === 0);
  const larger = (best, k) => (entry(P, [n, k]) > entry(P, [n, best]) ? k : best);
  return { name: "dS", index: [n, others.length ? others.reduce(larger) : 0] };
}
