// A frame with two axes, as SVG that is changed in place.

import { svg } from "./dom.js";
import { shown } from "./numbers.js";
import { placed, scale, ticks } from "./scales.js";

const MARGIN = { top: 10, right: 14, bottom: 40, left: 62 };

/**
 * A frame: `{node, area, layOut}`. What is drawn goes into `area`, in the coordinates of `node`.
 *
 * @param x, y the names of the axes
 *
 * `layOut({x, y, width, height, label})`, with x and y as {low, high, log}, returns the two scales,
 * the inner rectangle, and what gives the numbers [x, y] at a pointer: `{toX, toY, inner,
 * fromPointer}`. `name(x, y)` changes the names.
 */
export function axes({ x, y }) {
  const frame = svg("rect", { class: "frame" });
  // A nested svg cuts off what is outside, without the id that a clip path needs.
  const area = svg("svg", { overflow: "hidden" });
  const xAxis = svg("g");
  const yAxis = svg("g");
  const xName = svg("text", { "text-anchor": "middle" }, x);
  const yName = svg("text", { "text-anchor": "middle" }, y);
  const label = `${y} by ${x}`; // until it is laid out
  const node = svg("svg", { role: "img", "aria-label": label }, frame, xAxis, yAxis, xName, yName, area);

  function layOut(data) {
    const { width, height } = data;
    const left = MARGIN.left;
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const inner = { x: left, y: MARGIN.top, width: right - left, height: bottom - MARGIN.top };
    const toX = scale(data.x, left, right);
    const toY = scale(data.y, bottom, MARGIN.top);
    setAttributes(node, { width, height, "aria-label": data.label });
    setAttributes(frame, inner);
    setAttributes(area, { ...inner, viewBox: Object.values(inner).join(" ") });
    const turned = yName.textContent.length > 2 ? " rotate(-90)" : "";
    setAttributes(xName, { x: (left + right) / 2, y: height - 6 });
    const middle = (MARGIN.top + bottom) / 2;
    setAttributes(yName, { transform: `translate(13 ${middle})${turned}` });
    const most = Math.max(2, Math.floor(inner.width / 70));
    numbers(xAxis, data.x, most, "middle", (value) => ({ x: toX(value), y: bottom + 16 }));
    numbers(yAxis, data.y, 5, "end", (value) => ({ x: left - 6, y: toY(value) + 4 }));
    const fromX = placed(data.x, left, right);
    const fromY = placed(data.y, bottom, MARGIN.top);
    const fromPointer = (event) => {
      const box = node.getBoundingClientRect();
      return [fromX(event.clientX - box.left), fromY(event.clientY - box.top)];
    };
    return { toX, toY, inner, fromPointer };
  }

  function name(nameOfX, nameOfY) {
    xName.textContent = nameOfX;
    yName.textContent = nameOfY;
  }

  return { node, area, layOut, name };
}

/** The numbers beside an axis; the nodes are kept, since they change on few frames. */
function numbers(group, axis, most, anchor, placeOf) {
  const values = ticks(axis, most);
  while (group.childNodes.length > values.length) group.lastChild.remove();
  while (group.childNodes.length < values.length)
    group.append(svg("text", { "text-anchor": anchor }));
  const digits = axis.log ? 1 : digitsApart(values);
  const write = (value) => (axis.log ? power(value) : shown(value, digits));
  values.forEach((value, at) => {
    const text = group.childNodes[at];
    const label = write(value);
    setAttributes(text, placeOf(value));
    if (text.textContent !== label) text.textContent = label;
  });
}

/** As many digits as tell neighbours apart. */
function digitsApart(values) {
  const size = Math.max(...values.map(Math.abs));
  const step = Math.abs(values[1] - values[0]) || size || 1;
  return Math.min(15, Math.max(3, Math.ceil(Math.log10(size / step || 1)) + 1));
}

/** A power of ten: 0.01, but 1e−4. */
function power(value) {
  const exponent = Math.round(Math.log10(value));
  return Math.abs(exponent) <= 3 ? shown(value) : `1e${exponent}`.replace("-", "−");
}

export function setAttributes(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}
