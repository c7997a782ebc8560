// When something expensive is drawn.

const PRODUCTS_PER_FRAME = 2e6;

/** Whether so many forward passes take a part of a frame only. */
export function isCheap({ given }, passes) {
  const [rows, features] = given.X.shape;
  const [hidden, classes] = given.W2.shape;
  return passes * rows * hidden * (features + classes) < PRODUCTS_PER_FRAME;
}

/**
 * `draw` as a function that only draws while a node can be seen, and again once it comes into view.
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
