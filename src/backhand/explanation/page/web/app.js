// The page: the network as its matrices, and the panels below it.

import { autogradPanel } from "./panels/autograd/autograd.js";
import { element } from "./parts/dom.js";
import { introduction } from "./drawing/introduction.js";
import { mistakesPanel } from "./panels/mistakes/mistakes.js";
import { networkView } from "./drawing/network.js";
import { shown } from "./parts/numbers.js";
import { ownFunctionPanel } from "./panels/mistakes/own_function.js";
import { ownVerdict } from "./panels/mistakes/own_verdict.js";
import { planePanel } from "./panels/plane/plane.js";
import { questionsPanel } from "./panels/questions/questions.js";
import { unfoldForPrint } from "./parts/printing.js";
import { sizesOf } from "./mathematics/rules.js";
import { slopePanel } from "./panels/slope/slope.js";
import { softmaxPanel } from "./panels/softmax/softmax.js";
import { originalButton } from "./parts/run.js";
import { createStore } from "./state/store.js";
import { trainingPanel } from "./panels/training/training.js";
import { unitsPanel } from "./panels/units/units.js";

const PANELS = [
  trainingPanel,
  slopePanel,
  unitsPanel,
  softmaxPanel,
  planePanel,
  mistakesPanel,
  ownFunctionPanel,
  autogradPanel,
  questionsPanel,
];

/**
 * Show a problem in an element; returns the store, for the widget and for tests.
 *
 * `root.store` is the store as it is now: a reader who chooses another example gets another, and
 * the event "mounted" says so.
 */
export function mount(root, contents) {
  unmount(root);
  const store = createStore(contents);
  const head = header(root, store);
  const verdict = ownVerdict(store, () => root.querySelector(".own-function h2").focus());
  root.append(...[introduction(store), verdict].filter(Boolean));
  const ends = [head.end, networkView(root, store, head.node), unfoldForPrint(root)];
  for (const panel of PANELS) {
    if (panel.applies && !panel.applies(store)) continue;
    const section = element("section", { class: `panel ${panel.id}`, "aria-label": panel.title });
    section.append(element("h2", { tabindex: "-1" }, panel.title));
    root.append(section);
    ends.push(panel.mount(section, store));
  }
  root.store = store;
  root.ends = ends.filter((end) => typeof end === "function");
  if (contents.selected) store.select(contents.selected);
  root.dispatchEvent(new Event("mounted"));
  return store;
}

/** Take away what is shown, and end what still runs: `mount` of a panel may return how. */
export function unmount(root) {
  root.ends?.forEach((end) => end());
  root.store?.close();
  root.ends = [];
  root.replaceChildren();
}

/** Title, sizes, loss, the choice of an example, and the way back to the numbers of the start. */
function header(root, store) {
  const { problem, examples } = store.contents;
  const L = element("output", { class: "loss" });
  const sizes = element("span", { class: "quiet" });
  const node = element(
    "header",
    { class: "page-head row" },
    element("h1", {}, problem.title || "The network, number by number"),
    L,
    sizes,
    examples?.length ? exampleChoice(root, store, [problem, ...examples]) : null,
    originalButton(store),
  );
  root.append(node);
  const show = () => {
    const { n, i, h, k } = sizesOf(store.given);
    L.textContent = `L = ${shown(store.values.L.data[0], 6)}`;
    sizes.textContent = `${n} rows, ${i} features, ${h} hidden units, ${k} classes`;
  };
  show();
  return { node, end: store.subscribe(show) };
}

/** The problems in their first order, whichever is shown. */
function exampleChoice(root, store, problems) {
  const first = store.contents.first ?? problems;
  const select = element(
    "select",
    {
      "aria-label": "Example",
      onchange() {
        const problem = first[select.selectedIndex];
        const examples = first.filter((other) => other !== problem);
        mount(root, { ...store.contents, problem, examples, first, selected: null });
        root.querySelector(".page-head select").focus();
      },
    },
    first.map((one) => element("option", { selected: one === store.contents.problem }, one.title)),
  );
  return select;
}
