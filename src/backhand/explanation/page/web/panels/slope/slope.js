// The gradient is the slope: one entry beside its finite difference.

import { element } from "../../parts/dom.js";
import { math } from "../../parts/formulas.js";
import { followed, liveNodes } from "../../parts/live.js";
import { shown } from "../../parts/numbers.js";
import { firstInView, isCheap, onceQuiet } from "../../parts/pacing.js";
import { alongChart, errorChart } from "./slope_charts.js";
import { slopeControls } from "./slope_controls.js";
import { createSlopeView } from "./slope_view.js";
import { named } from "./slope_words.js";

const PASSES_OF_A_SLOPE = 12;
const PASSES = 150; // of the charts
const QUIET = 80; // milliseconds

const ONLY_AFTER =
  " It is changed after it is computed, and what is computed from it follows.";

const ELSEWHERE =
  " Hover or pin another entry of X, of a parameter, of Z1, H1, S or of any gradient. Drag in the " +
  "chart to change the value.";

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
  const drawCharts = firstInView(box, () => {
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
      live.text(() => (view.isGiven ? "" : ONLY_AFTER)),
      ELSEWHERE,
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

/** "W1[3,7]: feature 3, unit 7". */
function inNames({ names, shapes }, cell) {
  const along = [...shapes[cell.name]].map((letter, axis) => names[letter][cell.index[axis]]);
  return `L along ${named(cell)}: ${along.join(", ")}.`;
}

const SCROLLS = { class: "scrolls", tabindex: 0, role: "group", "aria-label": "Slopes" };

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
    element("div", SCROLLS, element("table", {}, element("tbody", {},
      row(gradient, () => shown(found().gradient, 8)),
      row("central difference d", () => shown(found().slope.central, 8)),
      row("relative difference", () => shown(found().difference, 3)),
      row("slope from the left", () => shown(found().slope.left, 8)),
      row("slope from the right", () => shown(found().slope.right, 8)),
    ))),
    verdict,
  );
}

function howClose() {
  return element("div", {},
    element("h3", {}, "How close is close enough?"),
    element("p", {}, math("d = (L(θ + ε) − L(θ − ε)) / 2ε")),
    element("p", {}, "Slope from the left: ", math("(L(θ) − L(θ − ε)) / ε"), "; from the right: ",
      math("(L(θ + ε) − L(θ)) / ε"), "."),
    element("p", {},
      "The relative difference is |g − d| / max(|g|, |d|). In doubles, with ε near 1e−5 and no ",
      "kink, it is below 1e−7 for a right gradient, and above 1e−4 for a wrong one. To the left ",
      "of the valley, the rounding of L is divided by a small ε; to the right, L is curved."),
  );
}
