// Which row, and the factor with which it counts: 1/N or its share of the sample weights.

import { cellLink, cellNumber } from "../../parts/cell_link.js";
import { numberField } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { entry, total } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { range, table } from "../../parts/table.js";
import { givenNumber, refusal, setGivenNumber } from "../../state/given_numbers.js";

const MOST_LISTED = 300;

/** A list of the rows, or a number where there are very many. */
export function rowChooser({ store, live, row }, update) {
  const N = store.given.X.shape[0];
  const input = N <= MOST_LISTED ? rowList(store, N) : rowNumber(N);
  input.addEventListener("change", () => {
    row.n = Math.max(0, Math.min(N - 1, Math.trunc(Number(input.value)) || 0));
    update();
  });
  live.call(() => {
    if (Number(input.value) !== row.n) input.value = row.n;
  });
  return element("label", {}, "Row ", input);
}

function rowList(store, N) {
  const options = range(N).map((n) => element("option", { value: n }, store.names.n[n]));
  return element("select", { "aria-label": "Row" }, options);
}

function rowNumber(N) {
  return element("input", { type: "number", min: 0, max: N - 1, value: 0, "aria-label": "Row" });
}

/** From P − Y to dS: the factor of the row in the mean, with its weight to be changed. */
export function rowShare(panel) {
  const { store, live, row } = panel;
  const v = () => store.values;
  const at = (slot) => [row.n, row.slots[slot]];
  const share = () => entry(v().w, [row.n]);
  const rows = range(row.slots.length).map((slot) => [
    live.text(() => store.names.k[row.slots[slot]]),
    live.text(() => shown(entry(v().P, at(slot)) - entry(v().Y, at(slot)))),
    live.text(() => `× ${shown(share())}`),
    cellNumber(
      store,
      live,
      () => ({ name: "dS", index: at(slot) }),
      () => shown(entry(v().dS, at(slot))),
    ),
  ]);
  const first = cellLink(store, live, () => ({ name: "dS", index: at(0) }));
  return [
    element("h3", {}, "The factor of the row in the mean"),
    element("p", {}, live.text(() => whereTheFactorIsFrom(store, row.n))),
    table("dS = (P − Y) times the row's share", ["class", "P − Y", "share", "dS"], rows),
    weightField(panel),
    element(
      "p",
      { class: "quiet" },
      "The factor is applied once, in dS (see ",
      first,
      "). All that follows is proportional to dS, so every gradient has it already: a second 1/N " +
        "in dW2 or db1 would be one too many.",
    ),
  ];
}

function whereTheFactorIsFrom({ given, values }, n) {
  const N = given.X.shape[0];
  const weights = given.sample_weight;
  const w = shown(entry(values.w, [n]));
  if (!weights)
    return (
      `L is the mean of the losses of ${N} rows: ℓ of this row has the constant factor ` +
      `1/N = 1/${N} = ${w} in L, and so has its gradient.`
    );
  return (
    "L is the weighted mean of the rows' losses: ℓ of this row has the constant factor weight / " +
    `sum of the weights = ${shown(entry(weights, [n]))} / ${shown(total(weights))} = ${w} in L, ` +
    `and so has its gradient. With equal weights it is 1/N = 1/${N}.`
  );
}

/** A field for the weight of the row, and a button that makes all weights equal. */
function weightField({ store, live, row }) {
  const cell = () => ({ name: "w", index: [row.n] });
  const field = numberField({ min: 0, step: 0.5 }, {
    refuse: (value) => refusal(store, cell(), value),
    onchange: (value) => setGivenNumber(store, cell(), value),
  });
  live.call(() => field.show(givenNumber(store, cell())));
  const equal = element(
    "button",
    { type: "button", onclick: () => store.setGiven({ sample_weight: null }) },
    "Equal weights",
  );
  live.attribute(equal, "disabled", () => !store.given.sample_weight);
  const label = element("label", {}, "Sample weight of this row ", field.node);
  return element("p", { class: "row" }, label, " ", equal);
}
