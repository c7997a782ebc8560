// The plane of two features: regions of the predictions, hinges of the hidden units, rows.

import { setAttributes } from "./axes.js";
import { element, svg } from "./dom.js";
import { hingeLayer } from "./hinge_layer.js";
import { followed, liveNodes } from "./live.js";
import { onceQuiet, whileVisible } from "./pacing.js";
import { classMark, columnsFor, paintRegions, planeFrame, regionColours } from "./plane_drawing.js";
import { createPlaneView } from "./plane_view.js";
import { planeInWords, unitInWords } from "./plane_words.js";
import { rowLayer } from "./row_layer.js";
import { runButtons } from "./run.js";

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

/** Regions are painted coarsely while numbers change, and finely once they are quiet. */
function createPicture(box, store, view, afterwards) {
  const frame = planeFrame(() => picture.redraw());
  const drawNames = classNames(store, frame.area);
  const hinges = hingeLayer(store, frame.area);
  const rows = rowLayer(store, frame.area);
  const picture = { node: frame.node, areas: null };
  let stale = true;

  let colours = null;
  const paint = (fineness) => {
    const columns = columnsFor(store.given, fineness);
    colours ??= regionColours(frame.node, store.names.k.length);
    picture.areas = paintRegions(frame, view, store.replaced, columns, colours);
  };
  const paintFinely = onceQuiet(() => {
    if (!box.isConnected) return;
    colours = null; // the page may have become dark since
    paint(3);
    drawNames(picture.areas, frame.inner());
    afterwards();
  });
  let scales = null;
  const drawIfSeen = whileVisible(box, () => {
    if (stale) {
      view.holdRows();
      const label = planeInWords(store, view, picture.areas);
      scales = frame.layOut(view.window, view.names, label);
      hinges.draw(view, scales);
      rows.draw(view, scales);
      drawNames(null);
      paint(1);
      paintFinely();
      stale = false;
    }
    hinges.emphasise(view, scales);
    rows.emphasise(view);
  });
  picture.emphasise = drawIfSeen;
  picture.redraw = () => {
    stale = true;
    drawIfSeen();
  };
  return picture;
}

/** The names of the classes in their regions, once these stand still: colour is never alone. */
function classNames(store, area) {
  const attributes = { class: "region", "text-anchor": "middle" };
  const names = store.names.k.map((name) => svg("text", attributes, name));
  area.append(...names);
  return (areas, inner) => names.forEach((text, k) => {
    const place = areas?.get(k);
    text.style.display = place ? "" : "none";
    if (place) setAttributes(text, {
      x: inner.x + place.x * inner.width,
      y: inner.y + place.y * inner.height,
    });
  });
}

/** Which features, which row for the others, which unit. */
function choices(store, view, live, redraw) {
  const { i, n, h } = store.names;
  const features = (label, axis) =>
    choice(live, label, i, () => view.pair[axis], (feature) => {
      view.setFeature(axis, feature);
      redraw();
      live.update();
    });
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

function legend(store) {
  const mark = (k) => svg("svg", { class: "swatch", viewBox: "-9 -9 18 18", width: 18, height: 18 },
    classMark(k));
  const wrong = svg("svg", { class: "swatch", viewBox: "-12 -12 24 24", width: 24, height: 24 },
    svg("g", { class: "row-mark wrong" }, svg("circle", { class: "ring", r: 10 })));
  return element("ul", { class: "plane-legend" },
    store.names.k.map((name, k) => element("li", {}, mark(k), name)),
    element("li", {}, wrong, "predicted wrongly"),
  );
}

function inWords(store, view, live, areas) {
  const hidden = store.given.b1.shape[0];
  const list = liveNodes();
  const units = Array.from({ length: Math.min(hidden, MOST_UNITS_IN_WORDS) }, (_, h) =>
    element("li", {}, list.text(() => unitInWords(store, view, h))));
  const details = element("details", { ontoggle: list.update },
    element("summary", {}, hidden > units.length ? `The first ${units.length} units in words` :
      "All units in words"),
    element("ul", {}, units));
  live.call(() => details.open && list.update());
  const unit = live.text(() => view.unit === null
    ? "A line is the hinge of a hidden unit, Z1 = 0; the unit is active on the side of the arrow."
    : unitInWords(store, view, view.unit));
  const others = store.given.X.shape[1] > 2
    ? element("p", { class: "quiet" }, live.text(() =>
        "The regions and hinges hold where all other features are those of " +
        `${store.names.n[view.row]}. A row is drawn at its own two features, and predicted with ` +
        "all of its own."))
    : null;
  return element("div", {},
    element("p", {}, live.text(() => planeInWords(store, view, areas()))),
    others,
    element("p", { class: "unit-words" }, unit),
    details,
  );
}
