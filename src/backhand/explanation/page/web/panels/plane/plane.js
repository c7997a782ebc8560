// The plane of two features: regions of the predictions, hinges of the hidden units, rows.

import { element, svg } from "../../parts/dom.js";
import { followed, liveNodes } from "../../parts/live.js";
import { choices } from "./plane_choices.js";
import { classMark } from "./plane_drawing.js";
import { createPicture } from "./plane_picture.js";
import { createPlaneView } from "./plane_view.js";
import { otherFeatures, planeInWords, unitInWords } from "./plane_words.js";
import { runButtons } from "../../parts/run.js";

const MOST_UNITS_IN_WORDS = 32;

export const planePanel = {
  id: "plane",
  title: "The plane of two features",
  applies: ({ given }) => given.X.shape[1] >= 2,
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

function build(box, store) {
  const view = createPlaneView(store);
  const live = liveNodes();
  const picture = createPicture(box, store, view, () => live.update());
  box.append(
    choices(store, view, live, picture.redraw),
    runButtons(store, live),
    element("div", { class: "parts" },
      element("div", {}, picture.node, legend(store)),
      inWords(store, view, live, () => picture.areas),
    ),
  );
  return (what) => {
    const otherRow = view.follow();
    live.update();
    if (what.has("numbers") || otherRow) picture.redraw();
    else picture.emphasise();
  };
}

function legend(store) {
  const swatch = (size, ...marks) =>
    svg("svg", { viewBox: `${-size / 2} ${-size / 2} ${size} ${size}`, width: size }, marks);
  const ring = svg("circle", { class: "ring", r: 10 });
  return element("ul", { class: "plane-legend" },
    store.names.k.map((name, k) => element("li", {}, swatch(18, classMark(k)), name)),
    element("li", {}, swatch(24, svg("g", { class: "row-mark wrong" }, ring)), "predicted wrongly"),
  );
}

function inWords(store, view, live, areas) {
  const unit = live.text(() => (view.unit === null ? HINGES : unitInWords(store, view, view.unit)));
  const others = element("p", {}, live.text(() => otherFeatures(store, view)));
  return element("div", {},
    element("p", {}, live.text(() => planeInWords(store, view, areas()))),
    store.given.X.shape[1] > 2 ? others : null,
    element("p", { class: "unit-words" }, unit),
    element("p", { class: "quiet" }, HANDS),
    allUnits(store, view, live),
  );
}

const HINGES =
  "A line is the hinge of a hidden unit, Z1 = 0; the unit is active on the side of the arrow.";

const HANDS =
  "Drag a row to change its two features; click a row or a line to pin it. By keyboard, rows are " +
  "changed in the matrix X.";

/** A list that is kept up to date only while it is open. */
function allUnits(store, view, live) {
  const list = liveNodes();
  const hidden = store.names.h.length;
  const units = Array.from({ length: Math.min(hidden, MOST_UNITS_IN_WORDS) }, (_, h) =>
    element("li", {}, list.text(() => unitInWords(store, view, h))));
  const which = units.length < hidden ? `The first ${units.length}` : "All";
  const details = element("details", { ontoggle: list.update },
    element("summary", {}, `${which} units in words`), element("ul", {}, units));
  live.call(() => details.open && list.update());
  return details;
}
