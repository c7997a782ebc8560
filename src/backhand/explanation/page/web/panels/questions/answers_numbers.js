// Answers about gradient checks and rounding.

import { cellAt, largest, norm, numberOf, paragraph } from "./answer_parts.js";
import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { alongWhat, apart, slope } from "../../mathematics/slopes.js";
import { range, table } from "../../parts/table.js";

export const NUMBER_ANSWERS = [
  {
    number: 1,
    title: "My gradient check gives 0.333. Which line is wrong?",
    answer: ({ text, link }) => [
      paragraph(
        text(({ dW2 }) => {
          const size = norm(dW2);
          return (
            "The check is ‖a − n‖ / (‖a‖ + ‖n‖): a is the gradient of your code, n that of " +
            "finite differences, ‖·‖ the square root of the sum of all squared entries. " +
            `Here ‖dW2‖ = ${shown(size)}. If your dW2 is twice this one, the check ` +
            `gives ${shown(size)} / (2 · ${shown(size)} + ${shown(size)}) ` +
            `= ${shown(size / (3 * size))}, and so it does for half of it: ` +
            "the value 1/3 is a factor 2. (Divided by the larger norm, as elsewhere on this " +
            "page, it would be 1/2.)"
          );
        }),
      ),
      paragraph(
        "If it is 1/3 for all parameters together, every gradient is twice too large, or half: " +
          "look at dS, which all of them contain, and at L. If it is 1/3 for one array alone, the " +
          "factor is in its own line. So compare each array on its own, dW2 and db2 first, then " +
          "dW1 and db1, entry by entry: the largest of dW2 here is ",
        link((v) => largest(v, "dW2")),
        text((v) => ` = ${shown(numberOf(v, largest(v, "dW2")))}, and yours divided by it is the `),
        "factor.",
      ),
    ],
  },
  {
    number: 15,
    title: "How close is close enough?",
    answer: ({ text, link, live, store }) => [
      paragraph(
        "In float64, with central differences and ε near 1e−5, a correct array has a relative " +
          "difference below 1e−7; above 1e−4 something is wrong, or there is a kink within ε. In " +
          "between, take another ε. Of ",
        link((v) => largest(v, "dW1")),
        text((v) => ` = ${shown(numberOf(v, largest(v, "dW1")), 6)} here:`),
      ),
      table(
        "The relative difference |g − d| / max(|g|, |d|) by ε",
        ["ε", "finite difference d", "relative difference"],
        [-1, -2, -3, -4, -5, -6, -8, -10].map((power) => [
          `1e−${-power}`,
          live.text(() => shown(difference(store, 10 ** power), 8)),
          live.text(() => shown(errorOf(store, 10 ** power), 2)),
        ]),
      ),
      paragraph(
        "A large ε has the error of the curvature, which is proportional to ε² (or that of a " +
          "kink within ε); a small one that of rounding, about 1e−16 · L / ε. So the smallest ε " +
          "is not the best.",
      ),
    ],
  },
  {
    number: 16,
    title: "An error of 1e-3, sometimes 1: a bug, or a kink?",
    answer: ({ text, link }) => [
      paragraph(
        "ReLU has a kink at Z1 = 0. The entry that is nearest to it here is ",
        link(nearestToKink),
        text((v) => ` = ${shown(numberOf(v, nearestToKink(v)))}`),
        ". A finite difference along ",
        link((v) => ({ name: "b1", index: [nearestToKink(v).index[1]] })),
        text((v) => {
          const size = Math.abs(numberOf(v, nearestToKink(v)));
          if (size === 0)
            return " steps across it for every ε, so no smaller ε helps: there is no derivative, " +
              "and the two one-sided slopes differ. The equations take 0 for the " +
              "slope of ReLU there.";
          return (
            ` steps across it if ε is above ${shown(size)}. A smaller ε removes the error of a ` +
            "kink; the error of a fault stays. Exactly at a kink no ε helps."
          );
        }),
        " The error |g − d| / max(|g|, |d|) is 1 where one of the two numbers is 0, however small " +
          "the other is.",
      ),
    ],
  },
  {
    number: 17,
    title: "“Exact: False”",
    answer: ({ text, link }) => [
      paragraph(
        "Two formulas that are equal in mathematics are rounded differently, and so are two " +
          "orders of a sum. The terms of ",
        link(mostRounded),
        text((v) => {
          const { forwards, backwards, apart: by } = bothOrders(v, mostRounded(v));
          return (
            ` from the first row to the last give ${shown(forwards, 17)}, from the last to the ` +
            `first ${shown(backwards, 17)}${by ? `: a difference of ${shown(by, 2)}` : SAME}. ` +
            "Differences near 1e−16 of the largest entry are rounding in float64, near 1e−7 in " +
            "float32; look at “approximate” and at the largest relative difference."
          );
        }),
      ),
    ],
  },
];

const SAME =
  ", the same here; but 0.1 + 0.2 + 0.3 gives 0.6000000000000001, and 0.3 + 0.2 + 0.1 gives 0.6";

/** The central difference along the parameter of the largest entry of dW1. */
function difference({ given, values }, epsilon) {
  return slope(given, alongWhat(largest(values, "dW1")), { epsilon }).central;
}

function errorOf(store, epsilon) {
  return apart(numberOf(store.values, largest(store.values, "dW1")), difference(store, epsilon));
}

/** The entry of Z1 that is smallest in size. */
function nearestToKink(values) {
  const { data } = values.Z1;
  let best = 0;
  for (let at = 1; at < data.length; at++)
    if (Math.abs(data[at]) < Math.abs(data[best])) best = at;
  return cellAt(values, "Z1", best);
}

/** The sum X[n,i] dZ1[n,h] over the rows, from the first to the last and the other way round. */
function bothOrders({ X, dZ1 }, { index: [i, h] }) {
  const rows = range(X.shape[0]);
  const terms = rows.map((n) => entry(X, [n, i]) * entry(dZ1, [n, h]));
  const forwards = terms.reduce((all, term) => all + term, 0);
  const backwards = terms.reduceRight((all, term) => all + term, 0);
  return { forwards, backwards, apart: Math.abs(forwards - backwards) };
}

/** Of the first entries of dW1, the one for which the order of the sum makes most difference. */
function mostRounded(values) {
  const cells = range(Math.min(values.dW1.data.length, 200)).map((at) => cellAt(values, "dW1", at));
  const apartOf = (cell) => bothOrders(values, cell).apart;
  return cells.reduce((most, cell) => (apartOf(cell) > apartOf(most) ? cell : most));
}
