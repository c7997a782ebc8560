// The gradient is the slope: one entry beside its finite difference.

import { button, numberControl } from "./controls.js";
import { element } from "./dom.js";
import { math } from "./formulas.js";
import { atKink, kinksAlong } from "./kinks_along.js";
import { followed, liveNodes } from "./live.js";
import { entry } from "./matrix.js";
import { shown } from "./numbers.js";
import { isCheap, onceQuiet, whileVisible } from "./pacing.js";
import { alongChart, errorChart } from "./slope_charts.js";
import { named, slopeVerdict } from "./slope_words.js";
import { alongWhat, apart, EPSILON, gradientAlong, slope } from "./slopes.js";

const PASSES_OF_A_SLOPE = 12;
const PASSES = 150; // of the charts
const QUIET = 80; // milliseconds

export const slopePanel = {
  id: "slope",
  title: "The gradient is the slope",
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

function build(box, store) {
  const view = createSlopeView(store);
  const live = liveNodes();
  const along = alongChart(store, (value) => view.setValue(value));
  const errors = errorChart(store);
  let found = view.measure();
  const drawErrors = onceQuiet(() => box.isConnected && errors.draw(found), QUIET);
  const drawAlong = () => along.draw(found);
  const drawAlongInTime = isCheap(store, PASSES) ? drawAlong : onceQuiet(drawAlong, QUIET);
  const drawCharts = whileVisible(box, () => {
    drawAlongInTime();
    drawErrors();
  });
  const update = () => {
    found = view.measure();
    controls.show(found);
    live.update();
    drawCharts();
  };
  const controls = slopeControls(store, view, () => found, update);
  box.append(
    element("p", {},
      element("strong", { class: "entry-name" }, live.text(() => inNames(store, found.cell))),
      live.text(() => (view.isGiven ? "" : " As if it were changed after it is computed: what is " +
        "computed from it follows.")),
      " Hover or pin another entry of X, of a parameter, of Z1, H1, S or of any gradient.",
    ),
    controls.node,
    element("div", { class: "parts" },
      element("div", {}, slopeTable(live, () => found), along.node),
      element("div", {}, howClose(), errors.node),
    ),
  );
  const updateInTime = isCheap(store, PASSES_OF_A_SLOPE) ? update : onceQuiet(update, QUIET);
  return (what) => {
    if (view.follow() || what.has("numbers")) updateInTime();
  };
}

/** Which entry, which ε, and what part of L is drawn around it. */
function createSlopeView(store) {
  const view = {
    cell: steepest(store),
    epsilon: EPSILON,
    reach: 1, // how far to both sides the chart goes
    start: null, // its middle, which stays while the value is moved

    /** Take the entry that is hovered or pinned, if L has a slope along it: whether it is new. */
    follow() {
      const cells = [store.hovered, store.selected].filter(Boolean);
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
      const { given, values, replaced } = store;
      const at = entry(values[cell.name], cell.index);
      if (view.start === null || Math.abs(at - view.start) > reach) view.start = at;
      const gradient = gradientAlong(values, cell);
      const measured = slope(given, cell, { epsilon, replaced });
      const difference = apart(gradient, measured.central);
      const kinks = kinksAlong(values, cell);
      const within = kinks.filter(({ by }) => Math.abs(by) <= epsilon);
      const smaller = () =>
        apart(gradient, slope(given, cell, { epsilon: epsilon / 10, replaced }).central);
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

function slopeControls(store, view, found, update) {
  const value = numberControl({
    label: "Value θ", low: -1, high: 1,
    onchange: view.setValue,
  });
  const epsilon = numberControl({
    label: "ε", low: 1e-12, high: 1, log: true, least: 1e-15,
    onchange: (number) => {
      view.epsilon = number;
      update();
    },
  });
  const reach = numberControl({
    label: "Half width of the chart", low: 1e-6, high: 10, log: true, least: 1e-9,
    onchange: (number) => {
      view.reach = number;
      view.start = null;
      update();
    },
  });
  const toKink = button("Move it onto the nearest kink", () => {
    const { cell, kinks } = found();
    store.setGiven(atKink(store.given, cell, nextKink(kinks)));
  });
  const nextKink = (kinks) => kinks.find(({ cell }) => entry(store.values.Z1, cell.index) !== 0);
  const show = ({ at, start, reach: width, kinks }) => {
    value.range({ low: start - width, high: start + width });
    value.show(at);
    epsilon.show(view.epsilon);
    reach.show(view.reach);
    value.enable(view.isGiven);
    toKink.disabled = !view.isGiven || !nextKink(kinks);
  };
  const node = element("div", {}, value.node, epsilon.node, reach.node,
    element("div", { class: "row" }, toKink));
  return { node, show };
}

/** "W1[3,7]: feature 3, unit 7". */
function inNames({ names, shapes }, cell) {
  const along = [...shapes[cell.name]].map((letter, axis) => names[letter][cell.index[axis]]);
  return `L along ${named(cell)}: ${along.join(", ")}.`;
}

function slopeTable(live, found) {
  const row = (head, read) =>
    element("tr", {}, element("th", { scope: "row" }, head), element("td", {}, live.text(read)));
  const verdict = element("p", { class: "verdict", "aria-live": "polite" },
    live.text(() => found().verdict.text));
  const gradient = live.text(() => {
    const { cell } = found();
    return `gradient g, ${named(cell, cell.name === "X" ? "∂L/∂" : "d")}`;
  });
  return element("div", {},
    element("div", { class: "scrolls" }, element("table", {}, element("tbody", {},
      row(gradient, () => shown(found().gradient, 8)),
      row("central difference d", () => shown(found().slope.central, 8)),
      row("relative difference", () => shown(found().difference, 3)),
      row("slope on the left", () => shown(found().slope.left, 8)),
      row("slope on the right", () => shown(found().slope.right, 8)),
    ))),
    verdict,
  );
}

function howClose() {
  return element("div", {},
    element("h3", {}, "How close is close enough?"),
    element("p", {}, math("d = (L(θ + ε) − L(θ − ε)) / 2ε")),
    element("p", {},
      "The relative difference is |g − d| / max(|g|, |d|). In doubles, with ε near 1e−5 and no ",
      "kink, it is below 1e−7 for a right gradient, and above 1e−4 for a wrong one. To the left ",
      "of the valley, the rounding of L is divided by a small ε; to the right, L is curved."),
  );
}
