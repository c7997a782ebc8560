// Hidden units and their masks: which rows each passes, which are dead, and what can revive them.

import { cellNumber } from "../../parts/cell_link.js";
import { element } from "../../parts/dom.js";
import { formula } from "../../parts/formulas.js";
import { followed, liveNodes } from "../../parts/live.js";
import { deadUnits, isDropped, passes, unitState } from "../../mathematics/unit_state.js";
import { unitDetails } from "./unit_details.js";
import { table, windowAround } from "../../parts/table.js";

const MOST_UNITS = 24;
const MOST_ROWS = 24;

export const unitsPanel = {
  id: "units",
  title: "Hidden units and their masks",
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

/** The content; returns what brings it up to date. */
function build(box, store) {
  const live = liveNodes();
  const unit = { h: deadUnits(store.values)[0] ?? 0, n: 0, units: [], rows: [] };
  const panel = { store, live, unit };
  const follow = () => {
    const [N, H] = store.values.Z1.shape;
    unit.units = windowAround(H, MOST_UNITS, unit.h);
    unit.rows = windowAround(N, MOST_ROWS, unit.n);
  };
  const update = () => {
    follow();
    live.update();
  };
  panel.choose = (h) => {
    unit.h = h;
    update();
  };
  follow();
  box.append(
    element(
      "p",
      {},
      formula("H1", store.given),
      ": a unit passes a row where Z1 > 0. Only these rows have a gradient through it: ",
      formula("dZ1", store.given),
    ),
    element("p", {}, live.text(() => summary(store.values))),
    unitChooser(panel),
    element(
      "div",
      { class: "parts" },
      element("div", {}, maskTable(panel)),
      element("div", {}, unitDetails(panel)),
    ),
  );
  return (what) => {
    if (what.has("selection")) chooseUnitOf(panel);
    if (what.has("numbers") || what.has("selection")) update();
  };
}

/** The unit, and the row, of the pinned entry, if it has them. */
function chooseUnitOf({ store, unit }) {
  const { selected } = store;
  const letters = selected ? (store.shapes[selected.name] ?? "") : "";
  if (letters.includes("h")) unit.h = selected.index[letters.indexOf("h")];
  if (letters.startsWith("n")) unit.n = selected.index[0];
}

function summary(values) {
  const units = values.Z1.shape[1];
  const dead = deadUnits(values);
  if (!dead.length) return `None of the ${units} hidden units is dead: each has Z1 > 0 in a row.`;
  const left = dead.length - 20;
  const shownDead = dead.slice(0, 20).join(", ") + (left > 0 ? ` and ${left} more` : "");
  const rows = values.Z1.shape[0];
  return (
    `${dead.length} of ${units} hidden units ${dead.length > 1 ? "are" : "is"} dead on these ` +
    `${rows} rows (Z1 ≤ 0 in all of them): ${dead.length > 1 ? "units" : "unit"} ${shownDead}.`
  );
}

/** A field for the unit, where there are more than the table has. */
function unitChooser(panel) {
  const { store, live, unit } = panel;
  const units = store.values.Z1.shape[1];
  const input = element("input", { type: "number", min: 0, max: units - 1 });
  input.addEventListener("change", () => {
    panel.choose(Math.max(0, Math.min(units - 1, Math.trunc(Number(input.value)) || 0)));
  });
  live.call(() => {
    if (!input.matches(":focus")) input.value = unit.h;
  });
  return element("label", { hidden: units <= MOST_UNITS }, "Unit ", input);
}

/** Rows by units: 1 where the unit passes the row, 0 where Z1 ≤ 0, × where dropout left it out. */
function maskTable(panel) {
  const { store, live, unit } = panel;
  const columns = ["", ...unit.units.map((_, slot) => unitHead(panel, slot))];
  const rows = unit.rows.map((_, place) => [
    live.text(() => store.names.n[unit.rows[place]]),
    ...unit.units.map((_, slot) => maskCell(panel, place, slot)),
  ]);
  const [N, H] = store.values.Z1.shape;
  const sums = [
    "rows with Z1 > 0",
    ...unit.units.map((_, slot) => {
      const state = () => unitState(store.values, unit.units[slot]);
      const cell = element("td");
      cell.append(live.text(() => String(state().above)));
      return live.attribute(cell, "class", () => (state().dead ? "dead" : null));
    }),
  ];
  const part = (shown, all, word) => (shown < all ? ` (${shown} of ${all} ${word})` : "");
  const caption =
    `The mask Z1 > 0${part(unit.units.length, H, "units")}${part(unit.rows.length, N, "rows")}: ` +
    `1 where the row is passed, 0 where not${store.given.mask ? ", × where dropped" : ""}`;
  return table(caption, columns, rows, [sums]);
}

function unitHead(panel, slot) {
  const { live, unit } = panel;
  const button = element("button", {
    type: "button",
    class: "choice",
    onclick: () => panel.choose(unit.units[slot]),
  });
  button.append(live.text(() => String(unit.units[slot])));
  live.attribute(button, "aria-label", () => `unit ${unit.units[slot]}`);
  return live.attribute(button, "aria-pressed", () => String(unit.units[slot] === unit.h));
}

function maskCell({ store, live, unit }, place, slot) {
  const at = () => [unit.rows[place], unit.units[slot]];
  const state = () => {
    if (isDropped(store.given, ...at())) return "dropped";
    return passes(store.values, ...at()) ? "passed" : "shut";
  };
  const cell = element("td");
  cell.append(
    cellNumber(store, live, () => ({ name: "Z1", index: at() }), () => SIGNS[state()]),
  );
  return live.attribute(cell, "class", state);
}

const SIGNS = { passed: "1", shut: "0", dropped: "×" };
