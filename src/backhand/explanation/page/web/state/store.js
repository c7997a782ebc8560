// The state of a page: the problem as it stands, what is selected, and who wants to know.

import { compute, PARAMETERS } from "../mathematics/equations.js";
import { copy, fromJson, offset } from "../mathematics/matrix.js";
import { sizesOf } from "../mathematics/rules.js";
import { namesOf } from "./names.js";

const GIVEN = [...PARAMETERS, "X", "Y", "sample_weight", "mask"];

/**
 * @param contents what Python's `page_contents` returns
 *
 * Views read `store.values` (every array by its name, `losses`, `w` and `new W1` included),
 * `store.given`, `store.selected`, `store.hovered`, `store.current`, and call the methods below.
 * `subscribe(f)` calls f(what) once per frame after changes; `what` is a Set of "numbers",
 * "selection", "hover", "stage".
 */
export function createStore(contents) {
  const original = decoded(contents.problem);
  const listeners = new Set();
  let changed = new Set();
  let values = null;
  let sizes = sizesOf(original);

  const store = {
    contents,
    rules: contents.rules,
    shapes: contents.shapes,
    names: namesOf(contents.problem, original),
    given: clone(original),
    updates: 0, // number of steps taken since the start
    losses: [], // L before each of them
    selected: null, // {name, index}: the pinned entry
    path: [], // the entries through which the selected one was reached
    cameFrom: null, // the element of a panel from which the path began, to go back to
    hovered: null, // {name, index}
    stage: null, // the name of the equation up to which values are shown; null: all
    closed: false, // whether the page has been taken away

    /** Every value by its name. */
    get values() {
      values ??= compute(store.given);
      return values;
    },
    /** The entry that is taken apart: a pin holds, wherever the pointer is. */
    get current() {
      return store.selected ?? store.hovered;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Change one number that is given: a weight, an input, a label. */
    setNumber(name, index, value) {
      const changedArray = copy(store.given[name]);
      changedArray.data[offset(changedArray, index)] = value;
      store.setGiven({ [name]: changedArray });
    },
    /** Replace given arrays, `l2` or `learning_rate`. */
    setGiven(some) {
      store.given = { ...store.given, ...some };
      values = null;
      followSizes();
      notify("numbers");
    },
    /** θ ← θ - η dθ, a number of times. */
    step(times = 1) {
      for (let t = 0; t < times; t++) {
        const now = store.values;
        store.losses.push(now.L.data[0]);
        store.updates += 1;
        for (const name of PARAMETERS)
          store.given = { ...store.given, [name]: now[`new ${name}`] };
        values = null;
      }
      notify("numbers");
    },
    /** As it was when the page was opened, with the learning rate that is chosen now. */
    reset() {
      store.given = { ...clone(original), learning_rate: store.given.learning_rate };
      store.updates = 0;
      store.losses = [];
      values = null;
      followSizes();
      notify("numbers");
    },
    /** Pin an entry; null for none. The path begins anew, at an element of a panel or at none. */
    select(cell, cameFrom = null) {
      store.cameFrom = cameFrom;
      store.selected = cell;
      store.path = cell ? [cell] : [];
      notify("selection");
    },
    /** Pin an entry that the selected one is computed from, or that is computed from it. */
    walk(cell) {
      const before = store.path.findIndex((other) => isSame(other, cell));
      store.path = before >= 0 ? store.path.slice(0, before + 1) : [...store.path, cell];
      store.selected = cell;
      notify("selection");
    },
    hover(cell) {
      if (isSame(cell, store.hovered)) return;
      store.hovered = cell;
      notify("hover");
    },
    setStage(stage) {
      store.stage = stage;
      notify("stage");
    },
    /** The page is not shown any more: nothing is called, and loops that watch `closed` end. */
    close() {
      store.closed = true;
      listeners.clear();
    },
  };

  /** Arrays of other sizes: names are counted anew, and entries that are gone are left. */
  function followSizes() {
    const now = sizesOf(store.given);
    if (Object.keys(now).every((letter) => now[letter] === sizes[letter])) return;
    sizes = now;
    store.names = namesOf(contents.problem, store.given);
    const exists = ({ name, index }) =>
      [...store.shapes[name]].every((letter, axis) => index[axis] < sizes[letter]);
    if (store.selected && !exists(store.selected)) store.select(null);
    else store.path = store.path.filter(exists);
    if (store.hovered && !exists(store.hovered)) store.hover(null);
  }

  function notify(...what) {
    if (!changed.size) requestAnimationFrame(tell);
    what.forEach((one) => changed.add(one));
  }

  function tell() {
    const what = changed;
    changed = new Set();
    listeners.forEach((listener) => listener(what));
  }

  return store;
}

export function isSame(a, b) {
  return a === b || (!!a && !!b && a.name === b.name && String(a.index) === String(b.index));
}

function decoded(problem) {
  const given = { l2: problem.l2, learning_rate: problem.learning_rate };
  for (const name of GIVEN) given[name] = problem[name] && fromJson(problem[name]);
  return given;
}

function clone(given) {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, value?.data ? copy(value) : value]),
  );
}
