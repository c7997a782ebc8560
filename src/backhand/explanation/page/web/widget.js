// The page as a widget: the traits of Python's NetworkWidget and the page's store are kept equal.
//
// Every value that crosses is remembered on both sides by identity. So a change goes to the other
// side once, and its echo changes nothing.

import { mount, unmount } from "./app.js";
import { element } from "./parts/dom.js";
import { array } from "./mathematics/matrix.js";
import { isSame } from "./state/store.js";

const ARRAYS = ["W1", "b1", "W2", "b2", "X", "Y", "sample_weight", "mask"];
const NUMBERS = ["learning_rate", "l2"];
const GIVEN = [...ARRAYS, ...NUMBERS];

/** While training or dragging, Python receives values at most this often, in milliseconds. */
const INTERVAL = 100;

/** What anywidget calls to show a model in an element; returns what ends it. */
export function render({ model, el }) {
  // Keys that are pressed in the page are not the notebook's shortcuts.
  const root = element("div", { class: "backhand", "data-lm-suppress-shortcuts": "true" });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);
  const stopTheme = followTheme(root);
  let link = null;
  root.addEventListener("mounted", () => {
    link?.close();
    link = connect(root.store, model);
  });
  mount(root, model.get("contents"));
  const stopModel = onChanges(model, () => {
    if (model.get("contents") === root.store.contents) link.receive();
    else mount(root, model.get("contents"));
  });
  return () => {
    stopModel();
    stopTheme();
    link.close();
    unmount(root);
    root.remove();
  };
}

/** Keep the model and a store equal, from the side that has changed last. */
function connect(store, model) {
  const inModel = {}; // the model's value of each name, as last seen or set
  const inStore = {}; // the store's value that is equal to it

  /** Whether the model has another value of a name than last seen. */
  function isNew(name) {
    const before = inModel[name];
    inModel[name] = model.get(name);
    return inModel[name] !== before;
  }

  /** Take over what Python has changed. */
  function receive() {
    const some = {};
    for (const name of GIVEN.filter(isNew)) {
      const value = isArray(inModel[name]) ? decode(inModel[name]) : inModel[name];
      if (isEqual(value, store.given[name])) inStore[name] = store.given[name];
      else some[name] = inStore[name] = value;
    }
    if (isNew("updates")) store.updates = inModel.updates;
    if (Object.keys(some).length) store.setGiven(some);
    if (isNew("selected") && !isSame(inModel.selected ?? null, store.selected))
      store.select(inModel.selected ?? null);
  }

  /** Pass a value on to Python, with the next `save_changes`. */
  function set(name, value) {
    inModel[name] = value;
    model.set(name, value);
  }

  /** Pass on the numbers that were changed on the page. */
  function send() {
    for (const name of GIVEN) {
      const value = store.given[name];
      const before = inStore[name];
      inStore[name] = value;
      if (value !== before && !isEqual(value, before))
        set(name, isArray(value) ? encode(value) : value);
    }
    if (store.updates !== inModel.updates) set("updates", store.updates);
    model.save_changes();
  }

  if (store.contents === model.get("contents")) receive();
  else {
    set("contents", store.contents); // the reader has chosen another example
    set("selected", store.selected);
    send();
  }
  const sending = atMostEvery(INTERVAL, send);
  const unsubscribe = store.subscribe((what) => {
    if (what.has("numbers")) sending.soon();
    if (what.has("selection") && !isSame(store.selected, inModel.selected ?? null)) {
      set("selected", store.selected && { ...store.selected });
      model.save_changes();
    }
  });
  return {
    receive,
    close() {
      sending.flush();
      unsubscribe();
    },
  };
}

/** Call a function with the names that changed, once for all that change together. */
function onChanges(model, f) {
  let changed = new Set();
  const names = [...GIVEN, "contents", "selected", "updates"];
  const listeners = names.map((name) => {
    const listener = () => {
      if (!changed.size) queueMicrotask(call);
      changed.add(name);
    };
    model.on(`change:${name}`, listener);
    return [`change:${name}`, listener];
  });
  let stopped = false;
  function call() {
    const now = changed;
    changed = new Set();
    if (!stopped) f(now);
  }
  return () => {
    stopped = true;
    listeners.forEach(([event, listener]) => model.off(event, listener));
  };
}

/** Call a function soon, but not more often than once in some milliseconds. */
function atMostEvery(milliseconds, f) {
  let timer = null;
  const call = () => {
    timer = null;
    f();
  };
  return {
    soon() {
      timer ??= setTimeout(call, milliseconds);
    },
    flush() {
      if (timer === null) return;
      clearTimeout(timer);
      call();
    },
  };
}

const isArray = (value) => Array.isArray(value?.shape);

/** An array as it crosses: bytes, so that NaN and ∞ of a diverged training cross too. */
function encode({ shape, data }) {
  return { shape: [...shape], float64: new DataView(data.slice().buffer) };
}

function decode({ shape, float64: view }) {
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  return array(shape, new Float64Array(bytes));
}

/** Whether two values of the store are equal, NaN to NaN included. */
function isEqual(a, b) {
  if (!isArray(a) || !isArray(b)) return Object.is(a ?? null, b ?? null);
  return String(a.shape) === String(b.shape) && a.data.every((x, at) => Object.is(x, b.data[at]));
}

/** Light or dark, as what surrounds the page: notebooks have themes of their own. */
function followTheme(root) {
  const follow = () => {
    root.dataset.theme = isDark(root.parentElement) ? "dark" : "light";
  };
  const attributes = new MutationObserver(follow);
  for (const node of [document.documentElement, document.body])
    attributes.observe(node, { attributes: true });
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", follow);
  requestAnimationFrame(follow); // the element is in the document by then
  follow();
  return () => {
    attributes.disconnect();
    preference.removeEventListener("change", follow);
  };
}

/** Whether the first background that is not transparent is dark. */
function isDark(from) {
  for (let node = from; node; node = node.parentElement ?? node.getRootNode().host) {
    const [red, green, blue, opacity] = channels(getComputedStyle(node).backgroundColor);
    if (opacity > 127) return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Red, green, blue and opacity of any CSS colour, 0 to 255. */
function channels(colour) {
  const canvas = element("canvas", { width: 1, height: 1 }).getContext("2d");
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data;
}
