// The drawing with what belongs to it: steps, path, and the entry taken apart.

import { element } from "./dom.js";
import { entryPanel } from "./entry.js";
import { matricesView } from "./matrices.js";
import { goToBar } from "./path.js";
import { sizesOf } from "./rules.js";
import { stepsBar } from "./steps.js";
import { windowBar } from "./windowbar.js";
import { createWindows } from "./windows.js";

/** Returns a function that ends it. */
export function networkView(root, store) {
  const windows = createWindows(sizesOf(store.values));
  const bars = element("div", { class: "bars" });
  const around = element("div", { class: "around" });
  root.append(element("section", { class: "network", "aria-label": "The network as its matrices" }, bars, around));
  const endSteps = stepsBar(bars, store, windows);
  windowBar(bars, windows);
  const drawing = matricesView(around, store, windows);
  const endGoTo = goToBar(root.querySelector(".page-head") ?? bars, store, drawing.focus);
  const endEntry = entryPanel(around, store);
  return () => [endSteps, drawing.end, endGoTo, endEntry].forEach((end) => end());
}
