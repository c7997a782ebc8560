// The plane as a picture: regions on a canvas, hinges and rows above it as SVG.

import { axes, setAttributes } from "../../parts/axes.js";
import { colour } from "../../parts/colours.js";
import { element, svg } from "../../parts/dom.js";
import { widthOf } from "../../parts/pacing.js";
import { regions } from "./two_features.js";

const RATIO = 0.72;
const PRODUCTS_PER_FRAME = 3e5;
const WIDEST = 640;
const LOWEST = 300;
const SIZE = 6; // of a row's mark, in pixels

const SHAPES = [
  `M0 ${-SIZE}A${SIZE} ${SIZE} 0 1 1 0 ${SIZE}A${SIZE} ${SIZE} 0 1 1 0 ${-SIZE}Z`,
  `M-5.5 -5.5H5.5V5.5H-5.5Z`,
  `M0 -7L6.5 5H-6.5Z`,
  `M0 -7.5L7.5 0L0 7.5L-7.5 0Z`,
  `M-2 -6.5H2V-2H6.5V2H2V6.5H-2V2H-6.5V-2H-2Z`,
  `M0 7L6.5 -5H-6.5Z`,
];
const COLOURS = 6;

/** The mark of a class: its shape and colour. After six classes, shapes meet other colours. */
export function classMark(k) {
  const shape = SHAPES[(k + Math.floor(k / COLOURS)) % SHAPES.length];
  return svg("path", { class: "class-mark", d: shape, fill: `var(${classColour(k)})` });
}

function classColour(k) {
  return `--c${(k % COLOURS) + 1}`;
}

/**
 * A frame with a canvas behind it: `{node, canvas, area, layOut, inner}`, see `axes`; `onresize` is
 * called when its width has changed.
 */
export function planeFrame(onresize) {
  const frame = axes({ x: "one feature", y: "another" });
  const canvas = element("canvas", { "aria-hidden": "true" });
  const node = element("div", { class: "plane-frame" }, canvas, frame.node);
  const widthNow = widthOf(node, onresize);
  let inner = null;
  const layOut = (window, names, label) => {
    frame.name(...names);
    const width = Math.min(widthNow(), WIDEST);
    const height = Math.max(LOWEST, Math.round(RATIO * width));
    const scales = frame.layOut({ ...window, width, height, label });
    const { x, y, width: across, height: up } = scales.inner;
    inner = scales.inner;
    canvas.style.cssText = `left: ${x}px; top: ${y}px; width: ${across}px; height: ${up}px`;
    return scales;
  };
  return { node, canvas, area: frame.area, layOut, inner: () => inner };
}

/** How many columns of cells are computed in a part of a frame, or more of them: finer. */
export function columnsFor({ W2 }, fineness) {
  const [hidden, classes] = W2.shape;
  const cells = PRODUCTS_PER_FRAME / (hidden * (classes + 5));
  return Math.round(fineness * Math.max(20, Math.min(120, Math.sqrt(cells / RATIO))));
}

/** The colours of the regions, as a canvas takes them: of each class, and of the borders. */
export function regionColours(node, classes) {
  const fills = Array.from({ length: classes }, (_, k) => colour(node, classColour(k)));
  return { fills, ink: colour(node, "--ink") };
}

/**
 * Paint the regions: runs of equal cells in the colour of their class, and lines between them.
 *
 * Returns the area of each class that there is, see `areas`.
 */
export function paintRegions(frame, view, columns, { fills, ink }) {
  const { canvas } = frame;
  const rows = Math.round(columns * RATIO);
  const classes = regions(view.network, view.window, columns, rows);
  const ratio = Math.max(1, Math.round((frame.inner().width * devicePixelRatio) / columns));
  setAttributes(canvas, { width: columns * ratio, height: rows * ratio });
  const context = canvas.getContext("2d");
  context.globalAlpha = 0.3;
  for (let r = 0; r < rows; r++)
    for (let c = 0, end; c < columns; c = end) {
      end = endOfRun(classes, columns, r, c);
      context.fillStyle = fills[classes[r * columns + c]];
      context.fillRect(c * ratio, r * ratio, (end - c) * ratio, ratio);
    }
  paintBorders(context, classes, columns, rows, ratio, ink);
  return areas(classes, columns, rows);
}

function paintBorders(context, classes, columns, rows, ratio, ink) {
  context.globalAlpha = 0.6;
  context.fillStyle = ink;
  const thin = Math.max(1, Math.round(devicePixelRatio));
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const at = r * columns + c;
      if (c + 1 < columns && classes[at] !== classes[at + 1])
        context.fillRect((c + 1) * ratio, r * ratio, thin, ratio);
      if (r + 1 < rows && classes[at] !== classes[at + columns])
        context.fillRect(c * ratio, (r + 1) * ratio, ratio, thin);
    }
}

/** Of each class: its part of the plane, and where it has the most room, from 0 to 1. */
function areas(classes, columns, rows) {
  const distances = distancesToOthers(classes, columns, rows);
  const found = new Map();
  classes.forEach((k, at) => {
    const area = found.get(k) ?? { share: 0, room: 0 };
    area.share += 1 / classes.length;
    if (distances[at] > area.room) {
      const [r, c] = [Math.floor(at / columns), at % columns];
      Object.assign(area, { room: distances[at], x: (c + 0.5) / columns, y: (r + 0.5) / rows });
    }
    found.set(k, area);
  });
  return found;
}

/** How many cells each cell is from one of another class, or from the edge. */
function distancesToOthers(classes, columns, rows) {
  const distances = new Float64Array(classes.length);
  const after = (at, neighbour, inside) =>
    inside && classes[neighbour] === classes[at] ? distances[neighbour] + 1 : 1;
  for (let at = 0; at < classes.length; at++) {
    const c = at % columns;
    distances[at] = Math.min(after(at, at - 1, c > 0), after(at, at - columns, at >= columns));
  }
  for (let at = classes.length - 1; at >= 0; at--) {
    const c = at % columns;
    const right = after(at, at + 1, c + 1 < columns);
    const below = after(at, at + columns, at < (rows - 1) * columns);
    distances[at] = Math.min(distances[at], right, below);
  }
  return distances;
}

function endOfRun(classes, columns, r, c) {
  const start = r * columns;
  let end = c + 1;
  while (end < columns && classes[start + end] === classes[start + c]) end++;
  return end;
}
