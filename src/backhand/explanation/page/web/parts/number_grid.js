// A part of an array as a table of numbers, changed in place.

import { element } from "./dom.js";
import { shown } from "./numbers.js";
import { table, windowAround } from "./table.js";

const MOST = 8;

/** Rows and columns of an array as a matrix: a vector is one row, a number one entry. */
function matrixSizes({ shape }) {
  return shape.length === 2 ? shape : [1, shape[0] ?? 1];
}

/** The rows and columns to show, a place of the data among them. */
export function windowOf(a, place = 0) {
  const [rows, columns] = matrixSizes(a);
  return {
    rows: windowAround(rows, MOST, Math.floor(place / columns)),
    columns: windowAround(columns, MOST, place % columns),
  };
}

/** A grid: `{node, draw(caption, a, window, isMarked(place))}`. */
export function numberGrid() {
  const node = element("div", { class: "number-grid" });
  let built = null;
  let cells = [];

  function draw(caption, a, { rows, columns }, isMarked = () => false) {
    const [, across] = matrixSizes(a);
    const key = JSON.stringify([caption, a.shape, rows, columns]);
    if (key !== built) {
      cells = rows.map(() => columns.map(() => element("td")));
      const isMatrix = a.shape.length === 2;
      const lines = rows.map((r, at) => [isMatrix ? String(r) : "", ...cells[at]]);
      node.replaceChildren(table(caption, ["", ...columns.map(String)], lines));
      built = key;
    }
    rows.forEach((r, i) =>
      columns.forEach((c, j) => {
        const place = r * across + c;
        show(cells[i][j], a.data[place], isMarked(place));
      }),
    );
  }

  return { node, draw };
}

function show(cell, value, marked) {
  const text = shown(value, 3);
  if (cell.textContent !== text) {
    cell.textContent = text;
    cell.title = shown(value, 8);
  }
  if ((cell.className === "differs") !== marked) cell.className = marked ? "differs" : "";
}
