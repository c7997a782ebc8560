// Which two features, which row the others are taken from, which hidden unit.

import { element } from "../../parts/dom.js";

/** The choices; `redraw` is called if the plane is another one afterwards. */
export function choices(store, view, live, redraw) {
  const { i, n, h } = store.names;
  const features = (label, axis) => {
    const node = choice(live, label, i, () => view.pair[axis], (feature) => {
      view.setFeature(axis, feature);
      redraw();
      live.update();
    });
    // The same feature along both axes would not give a plane.
    node.querySelectorAll("option").forEach((option, feature) =>
      live.attribute(option, "disabled", () => view.pair[1 - axis] === feature));
    return node;
  };
  const others = choice(live, "Other features as in", n, () => view.row, (row) => {
    view.row = row;
    redraw();
    live.update();
  });
  const units = choice(live, "Hidden unit", ["none", ...h], () => (view.unit ?? -1) + 1, (at) =>
    store.select(at ? { name: "b1", index: [at - 1] } : null),
  );
  const free = i.length > 2 ? [features("Across", 0), features("Up", 1), others] : [];
  return element("div", { class: "row" }, free, units);
}

function choice(live, label, names, read, onchoice) {
  const options = names.map((name, at) => element("option", { value: at }, name));
  const select = element("select", { onchange: () => onchoice(Number(select.value)) }, options);
  live.call(() => {
    if (select.value !== String(read())) select.value = String(read());
  });
  return element("label", {}, label, select);
}
