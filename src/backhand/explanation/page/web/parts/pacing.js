// When something expensive is drawn.

const PRODUCTS_PER_FRAME = 2e6;

/** Whether so many forward passes take a part of a frame only. */
export function isCheap({ given }, passes) {
  const [rows, features] = given.X.shape;
  const [hidden, classes] = given.W2.shape;
  return passes * rows * hidden * (features + classes) < PRODUCTS_PER_FRAME;
}

/**
 * `draw` as a function that only draws while a node can be seen, and again once it comes into view:
 * for what takes so long that nobody should wait for it unseen.
 */
export function whileVisible(node, draw) {
  let visible = false;
  let waiting = false;
  new IntersectionObserver((entries) => {
    visible = entries.at(-1).isIntersecting;
    if (visible && waiting) drawNow();
  }).observe(node);
  const drawNow = () => {
    waiting = false;
    draw();
  };
  return () => {
    if (visible) drawNow();
    else waiting = true;
  };
}

/** Milliseconds without a change after which what is out of view catches up. */
const QUIET = 100;
const NUMBERS = new Set(["numbers"]);

/**
 * `act(what)` as a function that acts at once while a node can be seen. Out of view it waits until
 * the node comes into view, or nothing has changed for a while: so what is printed, found in the
 * page or read aloud is up to date too. `what` is the set of all that has changed since.
 */
export function firstInView(node, act) {
  let visible = false;
  let missed = new Set();
  const catchUp = () => {
    if (!missed.size || !node.isConnected) return;
    const what = missed;
    missed = new Set();
    act(what);
  };
  new IntersectionObserver((entries) => {
    visible = entries.at(-1).isIntersecting;
    if (visible) catchUp();
  }).observe(node);
  const later = onceQuiet(catchUp, QUIET);
  return (what = NUMBERS) => {
    what.forEach((one) => missed.add(one));
    if (visible) catchUp();
    else later();
  };
}

/**
 * `act(what)` as a function that acts only once a node can be seen, and that marks the node as busy
 * until it has: for what takes so long that the page would seem to hang.
 */
export function onceSeen(node, act) {
  let visible = false;
  let running = false;
  let missed = new Set();
  const begin = () => {
    if (!visible || running || !missed.size) return;
    running = true;
    node.setAttribute("aria-busy", "true");
    requestAnimationFrame(() => setTimeout(run)); // once the mark is on the screen
  };
  const run = () => {
    const what = missed;
    missed = new Set();
    act(what);
    setTimeout(end, 2 * QUIET); // after what it leaves until it is quiet
  };
  const end = () => {
    running = false;
    node.removeAttribute("aria-busy");
    begin();
  };
  new IntersectionObserver((entries) => {
    visible = entries.at(-1).isIntersecting;
    begin();
  }).observe(node);
  return (what) => {
    what.forEach((one) => missed.add(one));
    begin();
  };
}

/**
 * The width of a node as a function, and a call of `act` whenever it changes. To read it from the
 * node on every frame would make the browser lay out the page in between.
 */
export function widthOf(node, act) {
  let width = 0;
  new ResizeObserver((entries) => {
    width = entries.at(-1).contentRect.width;
    act();
  }).observe(node);
  return () => width || node.clientWidth || 320;
}

/** `act` as a function that waits until it has not been called for some milliseconds. */
export function onceQuiet(act, milliseconds = 150) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, milliseconds);
  };
}
