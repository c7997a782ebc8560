// Train: one step with its prediction, a hundred steps live, the curve of the loss.

import { chart } from "../../parts/chart.js";
import { numberControl } from "../../parts/controls.js";
import { lossAfter, nextStep, verdict } from "./descent.js";
import { element } from "../../parts/dom.js";
import { math } from "../../parts/formulas.js";
import { followed, liveNodes } from "../../parts/live.js";
import { shown } from "../../parts/numbers.js";
import { firstInView, isCheap, onceQuiet } from "../../parts/pacing.js";
import { rowsRight } from "../../mathematics/predictions.js";
import { lossNow, runButtons, runReport } from "../../parts/run.js";
import { axisEnd, extent } from "../../parts/scales.js";

const CURVE_POINTS = 400;
const ALONG_POINTS = 41;

export const trainingPanel = {
  id: "training",
  title: "Train",
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

function build(box, store) {
  const live = liveNodes();
  let step = nextStep(store);
  const eta = numberControl({
    label: "Learning rate η", low: 0.001, high: 10, log: true, least: 0,
    onchange: (value) => store.setGiven({ learning_rate: value }),
  });
  const curve = lossCurve(store);
  const along = alongTheStep(store, () => step);
  box.append(
    eta.node,
    runButtons(store, live),
    runReport(store, live),
    element("p", {}, live.text(() => stateInWords(store))),
    element("div", { class: "parts" },
      headed("The next step", stepTable(live, () => step), along.node),
      headed("The loss so far", curve.node),
    ),
  );
  const drawAlong = isCheap(store, ALONG_POINTS) ? along.draw : onceQuiet(along.draw);
  const drawCharts = firstInView(box, () => {
    curve.draw();
    drawAlong();
  });
  return (what) => {
    if (!what.has("numbers")) return;
    step = nextStep(store);
    eta.show(store.given.learning_rate);
    live.update();
    drawCharts();
  };
}

function headed(title, ...children) {
  return element("div", {}, element("h3", {}, title), children);
}

function stateInWords(store) {
  const { updates, given } = store;
  const steps = updates === 1 ? "1 step" : `${updates} steps`;
  const right = `${rowsRight(store)} of ${given.X.shape[0]} rows right`;
  return `After ${steps}: L = ${shown(lossNow(store), 6)}, ${right}.`;
}

/** L now, what the first-order formula predicts, and what a step would do. */
function stepTable(live, step) {
  const row = (head, read) => {
    const number = element("td", {}, live.text(() => shown(read(step()), 5)));
    return element("tr", {}, element("th", { scope: "row" }, ...head), number);
  };
  const rows = element("tbody", {},
    row(["L now"], ({ now }) => now),
    row(["squared gradient ", math("‖g‖²")], ({ norm }) => norm),
    row(["predicted change ", math("−η‖g‖²")], ({ predicted }) => predicted),
    row(["change"], ({ change }) => change),
    row(["L after the step"], ({ after }) => after),
  );
  const words = element("p", { class: "verdict" }, live.text(() => verdict(step())));
  return element("div", {}, element("table", { class: "numbers" }, rows), words);
}

/** L before each step so far, and now. */
function lossCurve(store) {
  const plot = chart({ x: "steps", y: "L", curves: ["loss"], marks: ["now"] });
  const draw = () => {
    const losses = [...store.losses, lossNow(store)];
    const every = Math.ceil(losses.length / CURVE_POINTS);
    const last = losses.length - 1;
    const steps = losses.map((_, at) => at).filter((at) => at % every === 0 || at === last);
    const high = axisEnd(1.02 * (extent(losses)?.high ?? 1));
    plot.draw({
      x: { low: 0, high: Math.max(axisEnd(1.04 * store.updates), 10) },
      y: { low: 0, high },
      curves: { loss: [steps, steps.map((at) => losses[at])] },
      marks: { now: [last, losses[last]] },
      label: `The loss before each step. ${stateInWords(store)}`,
    });
  };
  return { node: plot.node, draw };
}

/** L along the direction of the step, with the tangent at its start. */
function alongTheStep(store, step) {
  const plot = chart({
    x: "η", y: "L(θ − ηg)", curves: ["tangent", "loss"], marks: ["predicted", "now"],
  });
  const draw = () => {
    const { eta, now, after, norm, predicted } = step();
    const high = axisEnd(1.5 * eta || 1);
    const etas = Array.from({ length: ALONG_POINTS }, (_, at) => (high * at) / (ALONG_POINTS - 1));
    const losses = etas.map((value) => lossAfter(store, value));
    const ends = extent(losses) ?? { low: 0, high: 1 };
    const space = 0.08 * (ends.high - ends.low) || 0.1;
    plot.draw({
      x: { low: 0, high },
      y: { low: ends.low - space, high: ends.high + space },
      curves: { loss: [etas, losses], tangent: [[0, high], [now, now - high * norm]] },
      marks: { now: [eta, after], predicted: [eta, now + predicted] },
      label: `L after a step, by η, and its tangent at η = 0. ${verdict(step())}`,
    });
  };
  return { node: plot.node, draw };
}
