// A hundred steps, one per frame; and the buttons that start them, wherever they stand.

import { button } from "./controls.js";
import { element } from "./dom.js";
import { shown } from "./numbers.js";

const STEPS = 100;
const LONGEST = 30; // milliseconds of steps per frame, where motion is reduced

const runs = new WeakMap();

/** The run of a store: `{going, report, one(), start(alive), stop(), reset()}`. */
function runOf(store) {
  if (!runs.has(store)) runs.set(store, createRun(store));
  return runs.get(store);
}

function createRun(store) {
  let before = null;
  const run = { going: false, report: "" };

  run.one = () => {
    before = lossNow(store);
    store.step();
    run.report = change(store, before);
  };

  /** Take the steps, for as long as `alive()` says that there is somebody to see them. */
  run.start = (alive) => {
    run.going = true;
    before = lossNow(store);
    let left = STEPS;
    const frame = () => {
      if (!run.going || !alive()) return run.stop();
      const began = performance.now();
      do {
        store.step();
        left -= 1;
      } while (left && isMotionReduced() && performance.now() - began < LONGEST);
      if (!left || !Number.isFinite(lossNow(store))) return run.stop();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    store.setGiven({}); // so that the buttons are drawn anew
  };

  run.stop = () => {
    if (!run.going) return;
    run.going = false;
    run.report = change(store, before);
    store.setGiven({});
  };

  run.reset = () => {
    run.stop();
    store.reset();
    run.report = "The numbers are those of the start; η is as it was chosen.";
  };

  return run;
}

/** The buttons. */
export function runButtons(store, live) {
  const run = runOf(store);
  const one = button("Take a step", run.one);
  const label = live.text(() => (run.going ? "Stop" : `Train for ${STEPS} steps`));
  const many = button(label, () => (run.going ? run.stop() : run.start(() => many.isConnected)));
  live.attribute(one, "disabled", () => run.going);
  return element("div", { class: "row" }, one, many, originalButton(store));
}

/** The button that gives back the numbers of the start, and ends what changes them. */
export function originalButton(store) {
  return button("Original numbers", runOf(store).reset);
}

/** What they have led to; once on a page, since screen readers read it aloud. */
export function runReport(store, live) {
  const run = runOf(store);
  const report = live.text(() => (run.going ? "" : run.report));
  return element("output", { class: "said", "aria-live": "polite" }, report);
}

export function lossNow(store) {
  return store.values.L.data[0];
}

function change(store, before) {
  const after = lossNow(store);
  const start = `Step ${store.updates}: L`;
  if (after === before) return `${start} stayed at ${shown(after, 6)}.`;
  const word = after < before ? "fell" : "rose";
  return `${start} ${word} from ${shown(before, 6)} to ${shown(after, 6)}.`;
}

function isMotionReduced() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
