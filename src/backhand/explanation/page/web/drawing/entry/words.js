// What each equation says, why its factors are as they are, and what its sum is over.

/**
 * `what`: the equation in a sentence. `shapes`: why there is a transpose, or none. `sum`: what is
 * summed over, and why. `{N}` and the like are replaced by the problem's sizes.
 */
const WORDS = {
  w: {
    what:
      "The weight of each row in the mean: s / Σ s, where s are the sample weights. With equal " +
      "ones it is 1/N. What is typed or dragged here is s.",
  },
  Z1: {
    what: "Each row of X times each column of W1, plus the bias of the hidden unit.",
    shapes: "X is ({N}, {d}), W1 is ({d}, {H}): the inner sizes agree, so nothing is transposed.",
    sum: "over the features i: each feature adds to the input of the unit",
  },
  H1: {
    what: "ReLU: entries of Z1 above 0 stay as they are, all others become 0.",
    shapes: "Entry by entry, so H1 has the shape of Z1.",
  },
  S: {
    what: "Each row of H1 times each column of W2, plus the bias of the class.",
    shapes: "H1 is ({N}, {H}), W2 is ({H}, {K}): the inner sizes agree, so nothing is transposed.",
    sum: "over the hidden units h: each active unit adds to the score of the class",
  },
  P: {
    what: "Softmax of each row: exponentials, divided by their sum, so that each row sums to 1.",
    shapes: "Row by row, so P has the shape of S.",
    sum: "over the classes k of one row, never over the rows: each row is its own distribution",
  },
  losses: {
    what: "Cross-entropy of each row: −log of the probability of its class.",
    sum: "over the classes k; Y is 0 for all but the row's class, so one term is left",
  },
  L: {
    what: "The loss: the mean of the rows' losses, each with its weight.",
    sum: "over the rows n; with w = 1/N this is the mean",
  },
  dS: {
    what:
      "Softmax and cross-entropy together: the Jacobian of the softmax times −Y/P leaves P − Y. " +
      "The factor w[n], which is 1/N without sample weights, comes from the mean in L.",
    shapes: "Entry by entry, so dS has the shape of S.",
  },
  dW2: {
    what: "Each column of H1 times each column of dS.",
    shapes:
      "dW2 has the shape of W2, ({H}, {K}). H1 is ({N}, {H}) and dS is ({N}, {K}): " +
      "H1ᵀ dS, ({H}, {N}) times ({N}, {K}), gives it{only}.",
    sum: "over the rows n: all rows share the weight, and each has its part in L",
  },
  db2: {
    what: "The sum of each column of dS.",
    shapes: "1ᵀ dS: a row of {N} ones times ({N}, {K}) leaves one number per class.",
    sum: "over the rows n: the same bias is added in each row, with factor 1",
  },
  dH1: {
    what: "Each row of dS times each row of W2: through all scores that the unit adds to.",
    shapes:
      "dH1 has the shape of H1, ({N}, {H}). dS is ({N}, {K}) and W2 is ({H}, {K}): " +
      "dS W2ᵀ, ({N}, {K}) times ({K}, {H}), gives it{only}. The factor is W2, not dW2, since " +
      "∂S[n,k]/∂H1[n,h] is W2[h,k].",
    sum: "over the classes k: the unit adds to the score of every class",
  },
  dZ1: {
    what:
      "The derivative of ReLU is 1 where Z1 > 0, else 0: the mask keeps entries of dH1 or sets " +
      "them to 0. The mask depends on Z1, not on dH1.",
    shapes: "Entry by entry (⊙), so dZ1 has the shape of Z1.",
  },
  dW1: {
    what: "Each column of X times each column of dZ1.",
    shapes:
      "dW1 has the shape of W1, ({d}, {H}). X is ({N}, {d}) and dZ1 is ({N}, {H}): " +
      "Xᵀ dZ1, ({d}, {N}) times ({N}, {H}), gives it{only}.",
    sum: "over the rows n: all rows share the weight, and each has its part in L",
  },
  db1: {
    what: "The sum of each column of dZ1.",
    shapes: "1ᵀ dZ1: a row of {N} ones times ({N}, {H}) leaves one number per hidden unit.",
    sum: "over the rows n: the same bias is added in each row, with factor 1",
  },
};

const UPDATE = {
  what: "A step of −η times the gradient: downhill, if η is small enough.",
  shapes: "Entry by entry: a gradient always has the shape of its parameter.",
};

const GIVEN = {
  X: "An input. It is given, not computed.",
  Y: "The classes, one-hot: 1 for the row's class, else 0. They are given.",
  M: "The mask of dropout: 0 drops the unit in this row, else 1/(1 − p). It is given.",
  W1: "A weight of the first layer: from a feature to a hidden unit.",
  b1: "A bias of the first layer: one number per hidden unit, the same in all rows.",
  W2: "A weight of the second layer: from a hidden unit to a class.",
  b2: "A bias of the second layer: one number per class, the same in all rows.",
};

/** The words of a value, with the sizes of the problem: {what, shapes, sum}. */
export function wordsOf(name, sizes, rules) {
  const words = name in GIVEN ? { what: GIVEN[name] } : WORDS[name] ?? UPDATE;
  const { n, i, h, k } = sizes;
  const numbers = { N: n, d: i, H: h, K: k, only: alone(rules[name], sizes) };
  const filled = (text) => text?.replace(/\{(\w+)\}/g, (_, letter) => numbers[letter]);
  return { what: words.what, shapes: filled(words.shapes), sum: filled(words.sum) };
}

/** Whether the shapes leave no other product: "; no other product of the two does", or which. */
function alone(rule, sizes) {
  if (rule?.factors.length !== 2) return "";
  const others = productsThatFit(rule, sizes);
  if (!others.length) return "; no other product of the two does";
  const names = others.map(({ text }) => text).join(" and ");
  const equal = [...new Set(others.flatMap(({ equal }) => equal))].join(" and ");
  const [has, gives] = others.length > 1 ? ["have", "give"] : ["has", "gives"];
  return `. ${names} ${has} that shape too, but only since ${equal} here, and ${gives} other numbers`;
}

const LETTERS = "nihk";
const SIZE = { n: "N", i: "d", h: "H", k: "K" };

/** The products of an equation's two factors that have its shape only because sizes are equal. */
export function productsThatFit({ indices, factors }, sizes) {
  const ways = ({ name, indices: letters }) => [
    { text: name, rows: letters[0], columns: letters[1] },
    { text: `${name}ᵀ`, rows: letters[1], columns: letters[0] },
  ];
  const [first, second] = factors.map(ways);
  const pairs = [[first, second], [second, first]].flatMap(([lefts, tops]) =>
    lefts.flatMap((left) => tops.map((top) => [left, top])),
  );
  return pairs.flatMap(([left, top]) => {
    const edges = [[left.columns, top.rows], [left.rows, indices[0]], [top.columns, indices[1]]];
    const unlike = edges.filter(([one, other]) => one !== other);
    if (!unlike.length || edges.some(([one, other]) => sizes[one] !== sizes[other])) return [];
    const equal = unlike.map((pair) =>
      [...LETTERS].filter((letter) => pair.includes(letter)).map((one) => SIZE[one]).join(" = "),
    );
    return { text: `${left.text} ${top.text}`, equal };
  });
}
