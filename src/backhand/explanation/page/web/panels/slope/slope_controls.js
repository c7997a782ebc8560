// The value of the entry, ε, how much of L is drawn, and the way to a kink.

import { button, numberControl } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { atKink } from "../../mathematics/kinks_along.js";
import { entry } from "../../mathematics/matrix.js";

/** `{node, show(found)}`; `update` is called once ε or the chart's width has changed. */
export function slopeControls(store, view, found, update) {
  const value = numberControl({ label: "Value θ", low: -1, high: 1, onchange: view.setValue });
  const epsilon = numberControl({
    label: "ε", low: 1e-12, high: 1, log: true, least: 1e-15,
    onchange: (number) => {
      view.epsilon = number;
      update();
    },
  });
  const reach = numberControl({
    label: "Half width of the chart", low: 1e-6, high: 10, log: true, least: 1e-9,
    onchange: (number) => {
      view.reach = number;
      view.start = null;
      update();
    },
  });
  const toKink = button("Move it onto the nearest kink", () => {
    const { cell, kinks } = found();
    store.setGiven(atKink(store.given, cell, nextKink(kinks)));
  });
  const nextKink = (kinks) => kinks.find(({ cell }) => entry(store.values.Z1, cell.index) !== 0);
  const show = ({ at, start, reach: width, kinks }) => {
    value.range({ low: start - width, high: start + width });
    value.show(at);
    epsilon.show(view.epsilon);
    reach.show(view.reach);
    value.enable(view.isGiven);
    toKink.disabled = !view.isGiven || !nextKink(kinks);
  };
  const node = element("div", {}, value.node, epsilon.node, reach.node,
    element("div", { class: "row" }, toKink));
  return { node, show };
}
