// Which entry the slope is measured along, and what is measured.

import { kinksAlong } from "../../mathematics/kinks_along.js";
import { entry } from "../../mathematics/matrix.js";
import { named, slopeVerdict } from "./slope_words.js";
import { alongWhat, apart, EPSILON, gradientAlong, slope } from "../../mathematics/slopes.js";

/** Which entry, which ε, and what part of L is drawn around it. */
export function createSlopeView(store) {
  const view = {
    cell: steepest(store),
    epsilon: EPSILON,
    reach: 1, // how far to both sides the chart goes
    start: null, // its middle, which stays while the value is moved

    /** Take the entry that is pinned or else hovered, if L has a slope along it: whether it is new. */
    follow() {
      const cells = [store.selected, store.hovered].filter(Boolean);
      const cell = cells.map(alongWhat).find(Boolean);
      if (!cell || named(cell) === named(view.cell)) return false;
      view.cell = cell;
      view.start = null;
      return true;
    },

    /** A value that is computed cannot be set. */
    get isGiven() {
      return !!store.given[view.cell.name];
    },

    setValue(value) {
      if (view.isGiven) store.setNumber(view.cell.name, view.cell.index, value);
    },

    measure() {
      const { cell, epsilon, reach } = view;
      const { given, values } = store;
      const at = entry(values[cell.name], cell.index);
      if (view.start === null || Math.abs(at - view.start) > reach) view.start = at;
      const gradient = gradientAlong(values, cell);
      const measured = slope(given, cell, { epsilon });
      const difference = apart(gradient, measured.central);
      const kinks = kinksAlong(values, cell);
      const within = kinks.filter(({ by }) => Math.abs(by) <= epsilon);
      const smaller = () =>
        apart(gradient, slope(given, cell, { epsilon: epsilon / 10 }).central);
      const verdict = slopeVerdict({
        cell, gradient, slope: measured, difference, kinks: within, values, smaller,
      });
      return {
        cell, at, start: view.start, reach, epsilon, gradient, slope: measured, difference, kinks,
        verdict, isKink: verdict.kind === "kink",
      };
    },
  };
  return view;
}

/** The entry of W1 with the largest gradient. */
function steepest({ values }) {
  const { shape, data } = values.dW1;
  let best = 0;
  data.forEach((g, at) => {
    if (Math.abs(g) > Math.abs(data[best])) best = at;
  });
  return { name: "W1", index: [Math.floor(best / shape[1]), best % shape[1]] };
}
