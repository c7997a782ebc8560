// Answers about shapes and products.

import { largest, numberOf, paragraph, sumOfProducts } from "./answer_parts.js";
import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { shapeText } from "../../lines/numpy.js";
import { rowOf } from "../../mathematics/row_softmax.js";
import { range } from "../../parts/table.js";

export const SHAPE_ANSWERS = [
  {
    number: 4,
    title: "Shapes (4,3) and (4,3) not aligned",
    answer: ({ text, link }) => [
      paragraph(
        text(({ dH1 }) => {
          const [N, H] = dH1.shape;
          const shape = shapeText(dH1.shape);
          const product =
            N === H
              ? `Here N = H = ${N}, so ${shape} @ ${shape} exists and no error appears: the ` +
                "numbers are wrong all the same."
              : `${shape} @ ${shape} does not exist, since ${H} and ${N} differ.`;
          return (
            "A matrix product needs equal inner sizes. dH1 and Z1 > 0 both have the shape " +
            `${shape}: ReLU was applied entry by entry, and so is its derivative, with *. ` +
            product
          );
        }),
        " See ",
        link((v) => largest(v, "dZ1")),
        ": it reads one entry of dH1 and one of Z1.",
      ),
      paragraph(
        text(({ W1, W2, X, H1 }) =>
          `A missing transposition gives the same error: dW1 is X.T @ dZ1; X @ dZ1 would be ` +
          `${shapeText(X.shape)} @ ${shapeText(H1.shape)}. Compare shapes: dW1 has the shape of ` +
          `W1, ${shapeText(W1.shape)}, dW2 that of W2, ${shapeText(W2.shape)}, dZ1 that of Z1, ` +
          `${shapeText(H1.shape)}, and so on.`),
      ),
    ],
  },
  {
    number: 5,
    title: "When *, and when @?",
    answer: ({ text, link }) => [
      paragraph(
        "@ contains a sum, * does not. In the backward pass there is a @ where the forward pass " +
          "has one, and a * where a function was applied entry by entry. ",
        link((v) => largest(v, "dW2")),
        text(({ X }) => ` is a sum over all ${X.shape[0]} rows (H1ᵀ @ dS); `),
        link((v) => largest(v, "dZ1")),
        " is one product, dH1 times 1 or 0.",
      ),
    ],
  },
  {
    number: 6,
    title: "Why W2 and not dW2 in dH1?",
    answer: ({ text, link }) => [
      paragraph(
        "dH1 says how L changes if H1 does, and H1 reaches L through S = H1 W2 + b2. If ",
        link((v) => ({ name: "H1", index: largest(v, "dH1").index })),
        text((v) => {
          const [n, h] = largest(v, "dH1").index;
          const row = rowOf(v.W2, h).slice(0, 10);
          const weights = row.map((one) => shown(one)).join(", ");
          return ` grows by 1, S[${n},k] grows by W2[${h},k]: ${weights}. So `;
        }),
        link((v) => largest(v, "dH1")),
        text((v) => {
          const [n, h] = largest(v, "dH1").index;
          const pairs = (W) =>
            range(W.shape[1]).map((k) => [entry(v.dS, [n, k]), entry(W, [h, k])]);
          const other = pairs(v.dW2).reduce((all, [a, b]) => all + a * b, 0);
          return (
            ` = Σ dS[${n},k] W2[${h},k] = ${sumOfProducts(pairs(v.W2))} = ` +
            `${shown(entry(v.dH1, [n, h]))}. With dW2 in place of W2 it would be ` +
            `${shown(other)}: NumPy does not complain, since both have one shape.`
          );
        }),
      ),
    ],
  },
  {
    number: 18,
    title: "Where does one entry of dW1 come from?",
    answer: ({ text, link }) => [
      paragraph(
        "From one product per row, X[n,i] · dZ1[n,h]. The largest entry here is ",
        link((v) => largest(v, "dW1")),
        text((v, given) => {
          const [i, h] = largest(v, "dW1").index;
          const pairs = range(v.X.shape[0]).map((n) => [entry(v.X, [n, i]), entry(v.dZ1, [n, h])]);
          const shut = range(v.X.shape[0]).filter((n) => entry(v.Z1, [n, h]) <= 0).length;
          const penalty = given.l2 ? ` + λ W1 = ${shown(given.l2 * entry(v.W1, [i, h]))}` : "";
          return (
            ` = ${sumOfProducts(pairs, 12)}${penalty} = ` +
            `${shown(numberOf(v, largest(v, "dW1")))}. ` +
            `The mask shuts out ${shut} of ${v.X.shape[0]} rows: there Z1 ≤ 0, and dZ1 is 0.`
          );
        }),
      ),
    ],
  },
];
