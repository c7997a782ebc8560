// Softmax and cross-entropy of one row: where P − Y comes from, and the row's share of the mean.

import { cellNumber } from "../../parts/cell_link.js";
import { element } from "../../parts/dom.js";
import { math } from "../../parts/formulas.js";
import { followed, liveNodes } from "../../parts/live.js";
import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { classesToShow, exponentials, rowOf, sum } from "../../mathematics/row_softmax.js";
import { jacobian, lossByProbability, lossByScore } from "../../mathematics/row_softmax.js";
import { rowChooser, rowShare } from "./row_share.js";
import { range, table } from "../../parts/table.js";

const MOST_CLASSES = 12;

export const softmaxPanel = {
  id: "softmax",
  title: "Softmax and cross-entropy: why P − Y",
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

/** The content; returns what brings it up to date. */
function build(box, store) {
  const live = liveNodes();
  const row = { n: 0, slots: [] };
  const panel = { store, live, row, k: 0 };
  const follow = () => {
    const { P, Y } = store.values;
    row.slots = classesToShow(P, Y, row.n, MOST_CLASSES);
  };
  follow();
  const update = () => {
    follow();
    live.update();
  };
  box.append(
    rowChooser(panel, update),
    element(
      "div",
      { class: "parts" },
      element("div", {}, probabilities(panel)),
      element("div", {}, derivatives(panel, update)),
      element("div", {}, rowShare(panel)),
    ),
  );
  return (what) => {
    if (what.has("selection")) chooseRowOf(panel);
    if (what.has("numbers") || what.has("selection")) update();
  };
}

/** The row of the pinned entry, if it has one. */
function chooseRowOf({ store, row }) {
  const { selected } = store;
  if (selected && store.shapes[selected.name]?.startsWith("n")) row.n = selected.index[0];
}

// Slots are the places of the table; the classes in them may change with the row.
const slotsOf = ({ row }) => range(row.slots.length);
const classOf = ({ store, row }, slot) => store.names.k[row.slots[slot]];

/** From scores to probabilities and the loss of the row, class by class. */
function probabilities(panel) {
  const { store, live, row } = panel;
  const powers = () => exponentials(store.values.S, row.n);
  const pinned = (name, slot) =>
    cellNumber(
      store,
      live,
      () => ({ name, index: [row.n, row.slots[slot]] }),
      () => shown(entry(store.values[name], [row.n, row.slots[slot]])),
    );
  const number = (read) => live.text(() => shown(read()));
  const lossOf = (k) => {
    const { S, Y } = store.values;
    const y = entry(Y, [row.n, k]);
    const { largest, sum: below } = powers();
    return y === 0 ? 0 : -y * (entry(S, [row.n, k]) - largest - Math.log(below));
  };
  const rows = slotsOf(panel).map((slot) => [
    live.text(() => classOf(panel, slot)),
    pinned("S", slot),
    number(() => entry(store.values.S, [row.n, row.slots[slot]]) - powers().largest),
    number(() => powers().powers[row.slots[slot]]),
    pinned("P", slot),
    number(() => entry(store.values.Y, [row.n, row.slots[slot]])),
    number(() => lossOf(row.slots[slot])),
  ]);
  const sums = [
    "sum",
    "",
    "",
    number(() => powers().sum),
    number(() => sum(rowOf(store.values.P, row.n))),
    number(() => sum(rowOf(store.values.Y, row.n))),
    number(() => entry(store.values.losses, [row.n])),
  ];
  const columns = ["class", "S", "S − max S", "exp(S − max S)", "P", "Y", "−Y log P"];
  return [
    element("h3", {}, "From scores to probabilities"),
    element("p", {}, math("P[k] = exp(S[k]) / Σ_j exp(S[j])")),
    table("Scores, probabilities and the loss of the row", columns, rows, [sums]),
    omitted(panel),
    element(
      "p",
      { class: "quiet" },
      "In the table, the largest score of the row is subtracted first: the quotients are the " +
        "same, but exp(S) overflows for S above 709.78. Each row of P sums to 1: the sum is over " +
        "the classes of a row, not over the rows.",
    ),
  ];
}

/** How many classes have no place in the tables. */
function omitted({ store, live, row }) {
  const note = element("p", { class: "quiet" });
  const left = () => store.given.Y.shape[1] - row.slots.length;
  note.append(live.text(() => `${left()} classes with small P are not shown; the sums have them.`));
  return live.attribute(note, "hidden", () => left() === 0);
}

/** The Jacobian, the loss's derivative by P, and their product P − Y. */
function derivatives(panel, update) {
  const { store, live, row } = panel;
  const v = () => store.values;
  const column = (slot) => {
    const button = element("button", { type: "button", class: "choice" });
    button.append(live.text(() => classOf(panel, slot)));
    button.addEventListener("click", () => {
      panel.k = slot;
      update();
    });
    live.attribute(button, "aria-pressed", () => String(panel.k === slot));
    return button;
  };
  const rows = slotsOf(panel).map((j) => [
    live.text(() => classOf(panel, j)),
    live.text(() => shown(lossByProbability(v().P, v().Y, row.n, row.slots[j]))),
    ...slotsOf(panel).map((k) => {
      const cell = element("td");
      cell.append(live.text(() => shown(jacobian(v().P, row.n, row.slots[j], row.slots[k]))));
      return live.attribute(cell, "class", () => (panel.k === k ? "chosen" : null));
    }),
  ]);
  const product = (head, read) => [
    head,
    "",
    ...slotsOf(panel).map((k) => live.text(() => shown(read(row.slots[k])))),
  ];
  const feet = [
    product("∂ℓ/∂S: column · ∂ℓ/∂P", (k) => lossByScore(v().P, v().Y, row.n, k)),
    product("P − Y", (k) => entry(v().P, [row.n, k]) - entry(v().Y, [row.n, k])),
  ];
  const columns = ["j ↓   k →", "∂ℓ/∂P = −Y/P", ...slotsOf(panel).map(column)];
  return [
    element("h3", {}, "The Jacobian times the gradient of the loss"),
    element(
      "p",
      {},
      "Each P of a row depends on every S of that row, since the denominator has all of them: ",
      math("∂P[j] / ∂S[k] = P[j] ([j = k] − P[k])"),
      ", where [j = k] is 1 if j = k, else 0; as a matrix ",
      math("diag(p) − p pᵀ"),
      ", where p is the row of P. The chain rule sums over j; ℓ is the loss of the row. Choose a " +
        "class k to see its sum.",
    ),
    table("∂P[j]/∂S[k] of the row, and the product", columns, rows, feet),
    sumOfColumn(panel),
  ];
}

/** The sum of the chosen column, term by term. */
function sumOfColumn(panel) {
  const { store, live, row } = panel;
  const { text } = live;
  const v = () => store.values;
  const k = () => row.slots[panel.k];
  const term = (slot) => () => {
    const j = row.slots[slot];
    const factors = [lossByProbability(v().P, v().Y, row.n, j), jacobian(v().P, row.n, j, k())];
    return `${bracketed(factors[0])} · ${bracketed(factors[1])}`;
  };
  const terms = slotsOf(panel).flatMap((slot) => {
    const node = element("span", { class: "term" });
    node.append(text(term(slot)));
    live.attribute(node, "class", () =>
      entry(v().Y, [row.n, row.slots[slot]]) === 0 ? "term zero" : "term");
    return slot ? [" + ", node] : [node];
  });
  const total = text(() => shown(lossByScore(v().P, v().Y, row.n, k())));
  const direct = text(
    () => `${shown(entry(v().P, [row.n, k()]))} − ${shown(entry(v().Y, [row.n, k()]))}`,
  );
  return element(
    "div",
    { class: "column-sum" },
    element("p", {}, text(() => `∂ℓ/∂S[${row.n},${k()}] = `), terms, " = ", total, " = ", direct),
    element("p", { class: "quiet" }, text(() => whatIsLeft(panel))),
  );
}

/** In words: which terms are left, and what cancels. */
function whatIsLeft({ store, row, k: slot }) {
  const { P, Y } = store.values;
  const k = row.slots[slot];
  const labelled = range(Y.shape[1]).filter((j) => entry(Y, [row.n, j]) !== 0);
  if (labelled.length !== 1 || entry(Y, [row.n, labelled[0]]) !== 1)
    return "Y sums to 1 over the classes, so −Y[k] + P[k] Σ Y[j] is P[k] − Y[k].";
  const [t] = labelled;
  if (entry(P, [row.n, t]) === 0)
    return (
      "P of the true class is 0 here, since exp is below the smallest number: −Y/P times the " +
      "Jacobian is not a number, and P − Y still is. It never divides by P."
    );
  const name = store.names.k[t];
  const start = `Only j = ${t} (${name}, the true class) is left, since Y is 0 for the others. `;
  return k === t
    ? `${start}P[${t}] cancels: −1/P[${t}] · P[${t}] (1 − P[${t}]) = P[${t}] − 1.`
    : `${start}P[${t}] cancels: −1/P[${t}] · P[${t}] (0 − P[${k}]) = P[${k}]. With the diagonal ` +
        "of the Jacobian alone, this class would have no gradient.";
}

function bracketed(value) {
  const text = shown(value);
  return text.startsWith("−") ? `(${text})` : text;
}
