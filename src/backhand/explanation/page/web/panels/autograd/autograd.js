// By hand and by autograd: the recorded losses of the reference run, step for step, and the same
// run computed by this page.

import { chart } from "../../parts/chart.js";
import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { liveNodes } from "../../parts/live.js";
import { shown } from "../../parts/numbers.js";
import { decodedRun, largestApart, trainedHere } from "./recorded_run.js";
import { axisEnd } from "../../parts/scales.js";

const SOME_STEPS = [1, 50, 100, 150, 200];

const WAYS = [
  ["autograd", "by autograd (torch, float32)"],
  ["byHand", "by hand (NumPy, float32)"],
  ["here", "on this page (float64)"],
];

let pages = 0; // radio buttons of one group share a name, and no two pages may

export const autogradPanel = {
  id: "autograd",
  title: "By hand and by autograd",
  applies: ({ contents }) => !!contents.reference_run,
  mount(section, store) {
    const view = createView(decodedRun(store.contents.reference_run));
    section.append(...view.nodes);
    view.update();
  },
};

/** What is chosen and computed, and the nodes that show it. */
function createView(run) {
  const live = liveNodes();
  const state = { start: run.starts[0], step: SOME_STEPS[1], here: null };
  const curves = chart({ x: "step", y: "L", curves: ["autograd", "byHand", "here"] });
  const update = () => {
    live.update();
    drawCurves(curves, state);
  };
  const choose = (start) => {
    state.here?.stop();
    Object.assign(state, { start, here: null });
    update();
  };
  const computeHere = () => {
    state.here?.stop();
    state.here = trainedHere(run, state.start, update);
  };
  const nodes = [
    introduction(run),
    startChoice(run.starts, state, choose),
    element("div", { class: "row" }, button("Compute it here", computeHere), progress(live, state)),
    curves.node,
    legend(),
    stepSlider(live, state, update),
    comparison(live, state),
    element("p", { class: "verdict" }, live.text(() => verdict(state))),
  ];
  return { nodes, update };
}

function introduction({ given, starts, versions }) {
  const [N, d] = given.X.shape;
  const [H, K] = starts[0].params.W2.shape;
  return element("p", {},
    `The reference run: ${N} rows of ${d} random features and ${K} random classes, ${H} hidden ` +
      `units, ${starts[0].byHand.loss.length} steps on all rows, η = ${given.learning_rate}. ` +
      `Recorded with ${versions}: once by the equations above, once by autograd ` +
      "(loss.backward() and an optimizer), from equal weights.");
}

function startChoice(starts, state, choose) {
  pages += 1;
  const name = `backhand-start-${pages}`;
  const choices = starts.map((start) =>
    element("label", {},
      element("input", {
        type: "radio", name, checked: start === state.start, onchange: () => choose(start),
      }),
      start.name,
    ),
  );
  return element("fieldset", { class: "starts" }, element("legend", {}, "First weights"), choices);
}

function progress(live, state) {
  return element("span", { role: "status" }, live.text(() => {
    const steps = state.start.byHand.loss.length;
    if (!state.here) return "";
    const done = state.here.loss.length;
    return done < steps ? "Computing …" : `${steps} steps computed.`;
  }));
}

function legend() {
  return element("ul", { class: "legend" }, WAYS.map(([way, words]) =>
    element("li", {}, element("span", { class: `line ${way}`, "aria-hidden": "true" }), words)));
}

function stepSlider(live, state, update) {
  const slider = element("input", {
    type: "range", min: 1, max: state.start.byHand.loss.length, step: 1, value: state.step,
    oninput: () => {
      state.step = Number(slider.value);
      update();
    },
  });
  live.attribute(slider, "aria-valuetext", () => `step ${state.step}`);
  const words = element("span", {}, live.text(() => `Step ${state.step}`));
  return element("label", { class: "step-choice" }, words, slider);
}

/** Loss and accuracy of each way, before the chosen step and before some others. */
function comparison(live, state) {
  const head = ["step", ...WAYS.map(([, words]) => `L ${words}`), "rows right"];
  const rows = [() => state.step, ...SOME_STEPS.map((step) => () => step)].map((step, at) =>
    element("tr", { class: at ? null : "chosen" },
      element("th", { scope: "row" }, live.text(() => String(step()))),
      WAYS.map(([way]) => element("td", {}, live.text(() => lossText(state, way, step())))),
      element("td", {}, live.text(() => accuracyText(state, step()))),
    ),
  );
  const table = element("table", { class: "numbers" },
    element("caption", {}, "The loss before a step, and the share of rows that are right"),
    element("thead", {},
      element("tr", {}, head.map((one) => element("th", { scope: "col" }, one)))),
    element("tbody", {}, rows),
  );
  return element("div", { class: "scrolls", tabindex: 0, role: "group", "aria-label": "Losses" },
    table);
}

function curveOf({ start, here }, way) {
  return way === "here" ? here : start[way];
}

function lossText(state, way, step) {
  const loss = curveOf(state, way)?.loss[step - 1];
  return loss === undefined ? "–" : loss.toFixed(8);
}

/** One number where all ways agree, else one for each. */
function accuracyText(state, step) {
  const found = WAYS.map(([way]) => curveOf(state, way)?.accuracy[step - 1])
    .filter((one) => one !== undefined);
  return [...new Set(found.map((one) => one.toFixed(3)))].join(" / ");
}

function verdict({ start, here }) {
  const recorded = largestApart(start.byHand.loss, start.autograd.loss);
  const words = `By hand and by autograd, no loss of the ${start.byHand.loss.length} differs by ` +
    `more than ${shown(recorded, 2)} of its size: rounding of float32.`;
  if (!here?.loss.length) return words;
  const own = largestApart(here.loss, start.autograd.loss);
  return `${words} This page, in doubles, differs by at most ${shown(own, 2)} of the size so far.`;
}

function drawCurves(curves, state) {
  const steps = Array.from(state.start.byHand.loss, (_, at) => at + 1);
  const points = (way) => {
    const loss = curveOf(state, way)?.loss ?? [];
    return [steps.slice(0, loss.length), loss];
  };
  curves.draw({
    x: { low: 0, high: steps.length },
    y: { low: 0, high: axisEnd(1.02 * Math.max(...state.start.byHand.loss)) },
    curves: Object.fromEntries(WAYS.map(([way]) => [way, points(way)])),
    verticals: [state.step],
    label: `The loss before each step: the curves by hand and by autograd lie on each other. ` +
      verdict(state),
  });
}
