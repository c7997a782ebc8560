// What is shown of the plane: which two features, the row that the others come from, the window.

import { contains, inPlane, windowOf } from "./two_features.js";

/** The state of the panel; `follow()` reads what is pinned and hovered. */
export function createPlaneView(store) {
  let made = { of: [], network: null };
  const view = {
    pair: varyingFeatures(store.given.X),
    row: 0, // the other features have its values
    near: null, // the row that is hovered, or pinned
    unit: null, // the hidden unit that is hovered, or pinned
    window: null,

    get network() {
      const now = [store.given, ...view.pair, view.row];
      if (now.some((one, at) => one !== made.of[at]))
        made = { of: now, network: inPlane(store.given, view.pair, view.row) };
      return made.network;
    },

    get names() {
      return view.pair.map((feature) => store.names.i[feature]);
    },

    /** Returns whether another row was pinned. */
    follow() {
      const pinned = placeIn(store, store.selected, "n");
      const changed = pinned !== null && pinned !== view.row;
      if (changed) view.row = pinned;
      view.near = placeIn(store, store.hovered, "n") ?? pinned;
      view.unit = placeIn(store, store.hovered, "h") ?? placeIn(store, store.selected, "h");
      return changed;
    },

    /** Move the window only if a row is outside, so that the picture stands still in training. */
    holdRows() {
      const { X } = store.given;
      const holds = view.window && contains(view.window, X, view.pair);
      if (!holds) view.window = windowOf(X, view.pair);
    },

    setFeature(axis, feature) {
      view.pair = view.pair.map((other, at) => (at === axis ? feature : other));
      view.window = windowOf(store.given.X, view.pair);
    },
  };
  return view;
}

/** The first two features that are not the same in all rows. */
function varyingFeatures({ shape, data }) {
  const [rows, features] = shape;
  const varies = (i) => {
    for (let n = 1; n < rows; n++) if (data[n * features + i] !== data[i]) return true;
    return false;
  };
  const all = Array.from({ length: features }, (_, i) => i);
  return [...all.filter(varies), ...all.filter((i) => !varies(i))].slice(0, 2);
}

/** Where a cell is along the axis of a letter, or null. */
function placeIn({ shapes }, cell, letter) {
  const at = cell ? (shapes[cell.name]?.indexOf(letter) ?? -1) : -1;
  return at < 0 ? null : cell.index[at];
}
