// Wrong lines: one of the doctor's mistakes, or a line of the reader's own, beside the right pass.

import { comparison } from "./comparison.js";
import { element } from "../../parts/dom.js";
import { findLine } from "./find_line.js";
import { lineChooser } from "./line_chooser.js";
import { followed } from "../../parts/live.js";
import { firstInView, isCheap, onceQuiet, whileVisible } from "../../parts/pacing.js";
import { bothPasses } from "./passes.js";
import { pairOfCurves } from "./pair_of_curves.js";

const PASSES_OF_BOTH_RUNS = 400;

const TOO_LARGE = "The network is too large to be trained twice here: the curves are left out.";

export const mistakesPanel = {
  id: "mistakes",
  title: "Wrong lines",
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

/** The content; returns what brings it up to date. */
function build(box, store) {
  const compared = comparison(Object.keys(store.contents.lines), ["right", "wrong"]);
  const curves = pairOfCurves(store);
  const chooser = lineChooser(store, () => show());
  const game = findLine(store);
  const showNow = () => {
    const passes = bothPasses(store, chooser.changes);
    compared.show(passes);
    chooser.show(passes);
    drawCurves(passes);
    game.update();
  };
  const isTrained = isCheap(store, 1);
  const drawCurves = isTrained ? curvesInTime(box, store, curves) : () => {};
  const show = isCheap(store, 20) ? showNow : onceQuiet(showNow);
  box.append(
    element("p", { class: "quiet" }, introduction(store)),
    element("h3", {}, "Choose a mistake, or change a line"),
    chooser.node,
    compared.node,
    isTrained ? curves.node : element("p", { class: "quiet" }, TOO_LARGE),
    ...(store.contents.mistakes?.length
      ? [element("h3", {}, "Find the wrong line"), game.node]
      : []),
  );
  return (what) => {
    if (what.has("numbers")) show();
  };
}

/** The runs of a large network take long: they begin once the panel can be seen. */
function curvesInTime(box, store, curves) {
  let latest = null;
  const inTime = isCheap(store, PASSES_OF_BOTH_RUNS) ? firstInView : whileVisible;
  const draw = inTime(box, () => curves.draw(latest));
  return (passes) => {
    latest = passes;
    draw();
  };
}

function introduction({ given }) {
  const left = given.sample_weight || given.mask ? " Sample weights and dropout are left out." : "";
  return (
    "The lines are those of the doctor (backhand check), which computes a backward pass with one " +
    `line replaced and compares the numbers.${left}`
  );
}
