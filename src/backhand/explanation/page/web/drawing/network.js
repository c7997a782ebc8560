// The drawing with what belongs to it: steps, path, and the entry taken apart.

import { element } from "../parts/dom.js";
import { entryPanel } from "./entry/entry.js";
import { matricesView } from "./matrices.js";
import { goToBar } from "./path.js";
import { sizesOf } from "../mathematics/rules.js";
import { stepsBar } from "./steps.js";
import { windowBar } from "./windowbar.js";
import { createWindows } from "./windows.js";

/** Returns a function that ends it. The box to go to an entry is put into `head`. */
export function networkView(root, store, head) {
  const name = "The network as its matrices";
  const section = element("section", { class: "network", "aria-label": name });
  root.append(section);
  let sizes = "";
  let end = () => {};
  // Others may replace arrays by those of other sizes: then all of it is built anew.
  const show = () => {
    if (sizes === sizesKey(store)) return;
    sizes = sizesKey(store);
    end();
    section.replaceChildren();
    end = build(section, store, head);
  };
  const stop = store.subscribe(show);
  show();
  return () => {
    stop();
    end();
  };
}

function sizesKey(store) {
  const { X, W2, mask } = store.given;
  return [...X.shape, ...W2.shape, Boolean(mask)].join();
}

function build(section, store, head) {
  const windows = createWindows(sizesOf(store.values));
  const bars = element("div", { class: "bars" });
  const around = element("div", { class: "around" });
  section.append(bars, around);
  const endSteps = stepsBar(bars, store, windows);
  windowBar(bars, windows);
  const drawing = matricesView(around, store, windows);
  const endGoTo = goToBar(head, store, drawing.focus);
  const endEntry = entryPanel(around, store, drawing.reveal);
  around.addEventListener("keydown", ({ key }) => key === "Escape" && store.select(null));
  return () => [endSteps, drawing.end, endGoTo, endEntry].forEach((end) => end());
}
