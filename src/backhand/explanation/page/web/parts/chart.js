// Curves with axes.

import { axes, setAttributes } from "./axes.js";
import { element, svg } from "./dom.js";
import { widthOf } from "./pacing.js";

const FAR = 1e5; // pixels; browsers draw nothing sensible beyond

/**
 * A chart: `{node, draw(data)}`.
 *
 * @param x, y the names of the axes
 * @param curves the names (CSS classes) of its lines, the lowest first
 * @param marks the names of its points
 * @param height in pixels; the width is that of the place where it stands
 * @param ondrag called with the x at which the chart is pressed, or to which it is dragged
 *
 * `draw({x, y, curves, marks, verticals, label})`: x and y are {low, high, log}; `curves` has
 * [xs, ys] by name, `marks` has [x, y] or null by name; `verticals` are dashed lines at some x;
 * `label` is the text alternative.
 */
export function chart({ x, y, curves, marks = [], height = 220, ondrag }) {
  const frame = axes({ x, y });
  const byName = (names, make) => Object.fromEntries(names.map((name) => [name, make(name)]));
  const verticals = svg("path", { class: "vertical" });
  const paths = byName(curves, (name) => svg("path", { class: `curve ${name}` }));
  const circles = byName(marks, (name) => svg("circle", { class: `mark ${name}`, r: 5 }));
  frame.node.setAttribute("height", height); // so that drawing it moves nothing below
  frame.area.append(verticals, ...Object.values(paths), ...Object.values(circles));
  const node = element("div", { class: "chart" }, frame.node);
  let latest = null;
  let fromPointer = null;

  function draw(data) {
    latest = data;
    const scales = frame.layOut({ ...data, width: width(), height });
    const { toX, toY, inner } = scales;
    fromPointer = scales.fromPointer;
    for (const [name, path] of Object.entries(paths))
      path.setAttribute("d", pathOf(data.curves[name] ?? [[], []], toX, toY));
    for (const [name, circle] of Object.entries(circles))
      place(circle, data.marks?.[name], toX, toY);
    const lines = (data.verticals ?? []).map((at) => `M${toX(at)} ${inner.y}v${inner.height}`);
    verticals.setAttribute("d", lines.join(""));
  }

  if (ondrag) onDrag(frame.node, (event) => latest && ondrag(fromPointer(event)[0]));
  const width = widthOf(node, () => latest && draw(latest));
  return { node, draw };
}

function onDrag(node, act) {
  node.classList.add("dragged");
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    event.preventDefault();
    act(event);
  });
  node.addEventListener("pointermove", (event) => {
    if (node.hasPointerCapture(event.pointerId)) act(event);
  });
}

/** A line through the points; broken where one is not finite. */
function pathOf([xs, ys], toX, toY) {
  let drawn = false;
  let d = "";
  xs.forEach((value, at) => {
    const [across, up] = [toX(value), toY(ys[at])];
    const finite = Number.isFinite(across) && Number.isFinite(up);
    if (finite) d += `${drawn ? "L" : "M"}${near(across).toFixed(2)} ${near(up).toFixed(2)}`;
    drawn = finite;
  });
  return d;
}

function place(circle, point, toX, toY) {
  const there = !!point && point.every(Number.isFinite);
  circle.style.display = there ? "" : "none";
  if (there) setAttributes(circle, { cx: near(toX(point[0])), cy: near(toY(point[1])) });
}

function near(pixels) {
  return Math.max(-FAR, Math.min(FAR, pixels));
}
