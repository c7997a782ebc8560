// Tables of numbers, and which part of a long axis they show.

import { element } from "./dom.js";

/**
 * A table in a box of its own, which scrolls sideways if it is too wide.
 *
 * @param columns heads of the columns, the one above the rows' heads first
 * @param rows each the head of the row and its cells: texts or nodes
 * @param foot rows of the same form, below a rule
 */
export function table(caption, columns, rows, foot = []) {
  const head = element("thead", {}, element("tr", {}, columns.map((name) => columnHead(name))));
  const parts = [head, element("tbody", {}, rows.map(tableRow))];
  if (foot.length) parts.push(element("tfoot", {}, foot.map(tableRow)));
  const node = element("table", { class: "numbers" }, element("caption", {}, caption), parts);
  // What may scroll has to take the focus, unless something in it does.
  const focus = { tabindex: 0, role: "group", "aria-label": caption };
  return element("div", { class: "scrolls", ...(node.querySelector("button") ? {} : focus) }, node);
}

function columnHead(name) {
  return name === "" ? element("td") : element("th", { scope: "col" }, name);
}

function tableRow([head, ...cells]) {
  return element("tr", {}, element("th", { scope: "row" }, head), cells.map(tableCell));
}

function tableCell(content) {
  return content instanceof HTMLTableCellElement ? content : element("td", {}, content);
}

/** The numbers 0, 1, … below a size. */
export function range(size) {
  return Array.from({ length: size }, (_, at) => at);
}

/** At most `most` indices of an axis, in a row, with a given one among them. */
export function windowAround(size, most, index = 0) {
  const start = Math.max(0, Math.min(size - most, index - Math.floor(most / 2)));
  return range(Math.min(size, most)).map((at) => start + at);
}
