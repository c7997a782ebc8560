// One hidden unit: its gradients, whether it can come back if it is dead, and trying it.

import { cellLink } from "../../parts/cell_link.js";
import { element } from "../../parts/dom.js";
import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { range, table } from "../../parts/table.js";
import { largestEntry, unitState, updatesToRevival } from "../../mathematics/unit_state.js";

const MARGIN = 0.1;
const TRIED = 100;

/** Headline, gradients, words and buttons of the chosen unit. */
export function unitDetails(panel) {
  const { store, live, unit } = panel;
  const outcome = element("p", { role: "status" });
  live.call(() => {
    if (outcome.dataset.unit !== String(unit.h)) outcome.textContent = "";
  });
  return [
    element("h3", {}, live.text(() => `Unit ${unit.h}: ${condition(store.values, unit.h)}`)),
    largestEntries(panel),
    element("p", { class: "revival" }, live.text(() => prospects(store.values, unit.h))),
    buttons(panel, outcome),
    outcome,
  ];
}

function condition(values, h) {
  const { rows, above, passed, dead } = unitState(values, h);
  if (dead) return "dead on these rows";
  const dropped = passed < above ? `, of which dropout leaves out ${above - passed}` : "";
  if (above === rows) return `Z1 > 0 in all ${rows} rows${dropped}: linear here`;
  return `Z1 > 0 in ${above} of ${rows} rows${dropped}`;
}

/** The largest entry of each array in which the unit has a column or a row. */
function largestEntries({ store, live, unit }) {
  const rows = PARTS.map(([name, part, sizeOf]) => {
    const cell = () => largestEntry(store.values, store.shapes, name, unit.h, sizeOf);
    const value = () => entry(store.values[name], cell().index);
    return [part, cellLink(store, live, cell), live.text(() => shown(value()))];
  });
  const caption = "Of each array, the entry with the largest absolute value";
  return table(caption, ["", "entry", "value"], rows);
}

const PARTS = [
  ["Z1", "highest Z1[:, h]", (z) => z],
  ["b1", "b1[h]"],
  ["dZ1", "dZ1[:, h]"],
  ["dW1", "dW1[:, h]"],
  ["db1", "db1[h]"],
  ["dW2", "dW2[h, :]"],
];

/** Whether steps on these rows can change the unit. */
function prospects(values, h) {
  const { above, passed, dead, largest } = unitState(values, h);
  if (!dead && !above) return "Its scores are not numbers.";
  if (above && !passed)
    return (
      "Dropout leaves it out in each row with Z1 > 0, so it has no gradient in this pass. It is " +
      "not dead: other passes have other masks."
    );
  if (above) return withGradient(values, h);
  const zeros =
    "H1[:, h] = 0, so row h of dW2 has no data term; Z1 ≤ 0 shuts out every term of column h of " +
    "dZ1, so column h of dW1 has none either and db1[h] is 0. ";
  if (!values.l2)
    return (
      `${zeros}Every number of the unit keeps its value in a step on these rows, and X does not ` +
      "change either: gradient descent on these rows cannot bring it back. Rows with Z1 > 0 can, " +
      "and so can momentum or Adam's averages from earlier steps."
    );
  return zeros + withPenalty(values, h, largest);
}

function withGradient({ dZ1 }, h) {
  if (range(dZ1.shape[0]).some((n) => entry(dZ1, [n, h]) !== 0))
    return "It is not dead: it has a gradient through the rows with Z1 > 0.";
  return "It is not dead, but dH1 is 0 in the rows with Z1 > 0, so its gradients are 0 here.";
}

function withPenalty(values, h, largest) {
  const bias = values.b1.data[h];
  const decay = 1 - values.learning_rate * values.l2;
  if (decay >= 1) return "η is 0: nothing changes.";
  if (decay <= 0)
    return (
      "What is left is the penalty, and ηλ is 1 or more: a step takes the weights to 0 or beyond " +
      "it, which can bring the unit back at once."
    );
  const start =
    `What is left is the penalty: each step multiplies column h of W1 by 1 − ηλ = ` +
    `${shown(decay, 6)} and leaves b1[h] = ${shown(bias)} as it is, so Z1 approaches b1[h]. `;
  if (bias <= 0) return `${start}b1[h] is not above 0, so the unit stays dead on these rows.`;
  return (
    `${start}b1[h] is above 0: the largest Z1, now ${shown(largest)}, is above 0 after ` +
    `${updatesToRevival(values, h)} steps.`
  );
}

/** Make it dead, bring it back, and take steps to see whether it changes. */
function buttons(panel, outcome) {
  const { store, live, unit } = panel;
  const say = (text) => {
    outcome.textContent = text;
    outcome.dataset.unit = unit.h;
  };
  const setLargest = (value) => {
    const { largest } = unitState(store.values, unit.h);
    const before = entry(store.given.b1, [unit.h]);
    const bias = before + value - largest;
    store.setNumber("b1", [unit.h], bias);
    say(`b1[${unit.h}]: ${shown(before)} → ${shown(bias)}.`);
  };
  const dead = () => unitState(store.values, unit.h).dead;
  const kill = button("Make it dead (lower b1)", () => setLargest(-MARGIN));
  const revive = button("Bring it back (raise b1)", () => setLargest(MARGIN));
  live.attribute(kill, "disabled", dead);
  live.attribute(revive, "disabled", () => !dead());
  const train = button(`Take ${TRIED} steps`, () => say(afterSteps(store, unit.h)));
  return element("div", { class: "row" }, kill, revive, train);
}

function button(text, act) {
  return element("button", { type: "button", onclick: act }, text);
}

/** Train, and say by how much the numbers of the unit have changed. */
function afterSteps(store, h) {
  const before = numbersOf(store.given, h);
  store.step(TRIED);
  const after = numbersOf(store.given, h);
  const most = Math.max(...after.map((value, at) => Math.abs(value - before[at])));
  const state = unitState(store.values, h).dead ? "dead on these rows" : "not dead";
  const change = `the largest change of its weights and its bias is ${shown(most)}`;
  return `${TRIED} steps: ${change}. It is ${state}.`;
}

/** Its weights and its bias. */
function numbersOf({ W1, b1, W2 }, h) {
  const inputs = range(W1.shape[0]).map((i) => entry(W1, [i, h]));
  const outputs = range(W2.shape[1]).map((k) => entry(W2, [h, k]));
  return [...inputs, entry(b1, [h]), ...outputs];
}
