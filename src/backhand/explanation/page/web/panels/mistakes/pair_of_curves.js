// The loss of training with the right lines and with the wrong ones.

import { chart } from "../../parts/chart.js";
import { element } from "../../parts/dom.js";
import { shown } from "../../parts/numbers.js";
import { axisEnd, extent } from "../../parts/scales.js";
import { scaleOfUpdate, TOLERANCE } from "./passes.js";
import { trainBoth } from "./training_runs.js";

const STEPS = 100;
const QUIET = 120; // milliseconds without a change before training begins

/** Both curves: `{node, draw(passes)}`; the runs end when the page is closed. */
export function pairOfCurves(store) {
  const plot = chart({ x: "steps", y: "L", curves: ["right", "wrong"] });
  const words = element("p", { role: "status" });
  const legend = element(
    "p",
    { class: "quiet" },
    element("span", { class: "key right" }, "right lines"),
    " ",
    element("span", { class: "key wrong" }, "wrong lines (dashed)"),
  );
  const node = element("div", { class: "pair-of-curves" },
    element("h3", {}, `The loss in ${STEPS} steps of each`), legend, plot.node, words);
  let stop = () => {};
  let timer = 0;
  let latest = null;

  function draw(passes) {
    stop();
    clearTimeout(timer);
    const isOther = JSON.stringify(latest?.changes) !== JSON.stringify(passes.changes);
    latest = passes;
    node.hidden = !passes.first;
    if (node.hidden) return;
    if (isOther) clear();
    const { given, lines, changes } = passes;
    timer = setTimeout(() => {
      stop = trainBoth({ given, lines, changes, steps: STEPS, onprogress: show });
    }, QUIET);
  }

  /** Those of other lines would be taken for these. */
  function clear() {
    words.textContent = "";
    plot.draw({ x: { low: 0, high: STEPS }, y: { low: 0, high: 1 }, curves: {},
      label: "The loss of both runs by steps. They have not begun." });
  }

  function show(runs) {
    if (store.closed) return stop();
    const ends = extent(runs.right) ?? { high: 1 };
    const start = runs.right[0];
    // A wrong run may explode: the axis stays where the right one can be seen.
    const high = Math.min(extent(runs.wrong)?.high ?? 0, 3 * Math.max(ends.high, start));
    const steps = (losses) => losses.map((_, at) => at);
    plot.draw({
      x: { low: 0, high: STEPS },
      y: { low: 0, high: axisEnd(1.02 * Math.max(ends.high, high)) },
      curves: {
        right: [steps(runs.right), runs.right],
        wrong: [steps(runs.wrong), runs.wrong],
      },
      label: `The loss of both runs by steps. ${inWords(runs, latest)}`,
    });
    if (runs.done) words.textContent = inWords(runs, latest);
  }

  return { node, draw };
}

function inWords({ right, wrong, trouble }, passes) {
  const start = `L begins at ${shown(right[0])}; after ${right.length - 1} steps it is ` +
    `${shown(right.at(-1))} with the right lines`;
  if (trouble) return `${start}. The wrong lines cannot be trained: ${trouble}.`;
  const end = `${start} and ${shown(wrong.at(-1))} with the wrong ones.`;
  const scale = scaleOfUpdate(passes);
  if (scale > 0 && Math.abs(scale - 1) > TOLERANCE) return `${end} ${sameAsRate(scale, passes)}`;
  const falls = wrong.at(-1) < right[0] && wrong.at(-1) !== right.at(-1);
  return falls ? `${end} That the loss falls does not show that the lines are right.` : end;
}

/** A factor of all gradients is one of η, and no way to a lower loss that right lines have not. */
function sameAsRate(scale, { given }) {
  const rate = shown(scale * given.learning_rate);
  return `Each step is ${shown(scale)} times the right one: it is as with the right lines and ` +
    `η = ${rate} in place of ${shown(given.learning_rate)}.`;
}
