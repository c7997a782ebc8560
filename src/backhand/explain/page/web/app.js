// The page: the matrices, and the panels below them.

import { autogradPanel } from "./autograd.js";
import { element } from "./dom.js";
import { matricesView } from "./matrices.js";
import { mistakesPanel } from "./mistakes.js";
import { ownFunctionPanel } from "./own_function.js";
import { planePanel } from "./plane.js";
import { questionsPanel } from "./questions.js";
import { slopePanel } from "./slope.js";
import { softmaxPanel } from "./softmax.js";
import { createStore } from "./store.js";
import { trainingPanel } from "./training.js";
import { unitsPanel } from "./units.js";

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

/** Show a problem in an element; returns the store, for the widget and for tests. */
export function mount(root, contents) {
  const store = createStore(contents);
  root.replaceChildren();
  matricesView(root, store);
  for (const panel of PANELS) {
    if (panel.applies && !panel.applies(store)) continue;
    const section = element("section", { class: `panel ${panel.id}` }, element("h2", {}, panel.title));
    root.append(section);
    panel.mount(section, store);
  }
  root.store = store;
  return store;
}
