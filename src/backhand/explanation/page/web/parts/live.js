// Texts and attributes that follow the numbers: built once, changed in place.

import { element } from "./dom.js";
import { firstInView, isCheap, onceSeen } from "./pacing.js";

/** Passes that a panel may take at once; where they are long, it is left until it is looked at. */
const PASSES = 20;

/** What is read anew at each update. */
export function liveNodes() {
  const updates = [];
  return {
    /** A text node with what `read` returns. */
    text(read) {
      const node = document.createTextNode("");
      updates.push(() => {
        const now = read();
        if (node.data !== now) node.data = now;
      });
      return node;
    },
    /** An attribute of a node; null leaves it out, true has no value. Returns the node. */
    attribute(node, name, read) {
      updates.push(() => {
        const now = read();
        const value = now === true ? "" : now === false ? null : now;
        if (value === null) node.removeAttribute(name);
        else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
      });
      return node;
    },
    /** Anything else that has to be done. */
    call(update) {
      updates.push(update);
    },
    update() {
      updates.forEach((update) => update());
    },
  };
}

/**
 * Build the content of a panel, and again whenever the sizes of the problem change.
 *
 * `build(box)` fills the box and returns a function of what has changed, which is called once per
 * frame after changes; less often while the panel is out of view, and not at all if the network is
 * large.
 */
export function followed(section, store, build) {
  let box = element("div");
  section.append(box);
  let sizes = sizesOf(store);
  let update = null;
  const act = (what) => {
    update ??= build(box);
    update(what);
    if (section.tabIndex === 0) section.tabIndex = -1; // has stops of its own now
  };
  const cheap = isCheap(store, PASSES);
  const later = cheap ? firstInView(section, act) : onceSeen(section, act);
  store.subscribe((what) => {
    const now = sizesOf(store);
    if (now !== sizes) {
      // At once, also out of view: what is still to be drawn in a box that is gone is not drawn.
      sizes = now;
      const before = box;
      box = element("div");
      before.replaceWith(box);
      update = null;
    }
    later(what);
  });
  const all = new Set(["numbers", "selection"]);
  if (cheap) {
    act(all);
  } else {
    section.setAttribute("aria-busy", "true");
    section.tabIndex = 0; // the Tab key brings it into view
    later(all);
  }
}

function sizesOf({ given }) {
  return [...given.X.shape, ...given.W2.shape].join();
}
