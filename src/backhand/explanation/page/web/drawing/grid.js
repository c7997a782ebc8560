// One array as a grid of square cells: numbers, colours, keyboard.

import { cellName, placeName } from "../state/cells.js";
import { fullName, ownName } from "../state/names.js";
import { element } from "../parts/dom.js";
import { isEditable } from "./edit.js";
import { largest, levelOf } from "../parts/levels.js";
import { brief, shown } from "../parts/numbers.js";
import { valueOf } from "../mathematics/rules.js";

/** The letters of a grid's rows and columns: biases are rows, numbers of the rows n columns. */
function axesOf(letters) {
  if (letters.length === 2) return [...letters];
  return letters === "n" ? ["n", ""] : ["", letters];
}

/**
 * The grid of one array, in the windows of its axes.
 *
 * Returns {name, node, cells, rows, columns, update, indexAt, placeOf, focus}. `node` holds a
 * `role=grid` of rows of cells; `cells[r][c]` has the elements.
 */
export function createGrid(store, windows, name) {
  const letters = store.shapes[name];
  const [rowLetter, columnLetter] = axesOf(letters);
  const rows = rowLetter ? windows.count[rowLetter] : 1;
  const columns = columnLetter ? windows.count[columnLetter] : 1;
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, createCell));

  const grid = {
    name,
    letters,
    rowLetter,
    columnLetter,
    rows,
    columns,
    cells,
    node: null,
    /** The array's index of the cell in a row and column of the drawing. */
    indexAt(r, c) {
      return [...letters].map((letter) => windows.from[letter] + (letter === rowLetter ? r : c));
    },
    /** Row and column of the drawing for an index, or null outside of the windows. */
    placeOf(index) {
      const place = { r: 0, c: 0 };
      for (let axis = 0; axis < letters.length; axis++) {
        if (!windows.has(letters[axis], index[axis])) return null;
        place[letters[axis] === rowLetter ? "r" : "c"] = index[axis] - windows.from[letters[axis]];
      }
      return place;
    },
    cellAt(index) {
      const place = grid.placeOf(index);
      return place && cells[place.r][place.c];
    },
    /** Numbers and colours as they are now; nothing where `isShown` is false. */
    update(isShown) {
      const array = isShown ? valueOf(store.values, name) : null;
      const most = array ? largest(array.data) : 0;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          show(cells[r][c], array && array.data[offsetAt(array.shape, r, c)], most);
    },
    /** The places of rows and columns in the whole array, for screen readers. */
    number() {
      grid.node.querySelectorAll(".line").forEach((line, r) =>
        line.setAttribute("aria-rowindex", 1 + r + (windows.from[rowLetter] ?? 0)),
      );
      for (const row of cells)
        row.forEach(({ node }, c) =>
          node.setAttribute("aria-colindex", 1 + c + (windows.from[columnLetter] ?? 0)),
        );
    },
    /** Make the cell in a row and column the one that the Tab key reaches. */
    reach(r, c) {
      cells.flat().forEach((cell) => cell.node.setAttribute("tabindex", "-1"));
      cells[r][c].node.setAttribute("tabindex", "0");
    },
    focus(index) {
      const place = grid.placeOf(index);
      if (!place) return;
      grid.reach(place.r, place.c);
      cells[place.r][place.c].node.focus({ preventScroll: false });
    },
    /** Name and value, for screen readers: only where it is needed, since it takes time. */
    label(index) {
      const number = valueOf(store.values, name);
      const cell = { name, index };
      const at = grid.placeOf(index);
      const value = shown(number.data[offsetAt(number.shape, at.r, at.c)]);
      const where = placeName(store, cell);
      cells[at.r][at.c].node.setAttribute(
        "aria-label",
        `${cellName(cell)} = ${value}${where && `, ${where}`}`,
      );
    },
  };

  function offsetAt(shape, r, c) {
    if (shape.length === 2)
      return (windows.from[rowLetter] + r) * shape[1] + windows.from[columnLetter] + c;
    return shape.length ? windows.from[letters] + (rowLetter ? r : c) : 0;
  }

  grid.node = built(store, windows, grid);
  grid.number();
  return grid;
}

function createCell() {
  const text = document.createTextNode("");
  const node = element("div", { class: "cell", role: "gridcell", tabindex: "-1" }, text);
  return { node, text, shown: "", level: 0 };
}

/** The number and the colour of a cell; the document is touched only where they change. */
function show(cell, value, most) {
  const text = value === null ? "" : brief(value);
  if (text !== cell.shown) cell.text.data = cell.shown = text;
  const level = value === null ? 0 : levelOf(value, most);
  if (level !== cell.level) {
    cell.level = level;
    if (level) cell.node.setAttribute("data-level", level);
    else cell.node.removeAttribute("data-level");
  }
}

function built(store, windows, grid) {
  const body = grid.cells.map((row) => {
    const nodes = row.map((cell) => cell.node);
    return element("div", { class: "line", role: "row" }, nodes);
  });
  grid.cells.forEach((row, r) => row.forEach((cell, c) => (cell.node.place = { grid, r, c })));
  grid.cells[0][0].node.setAttribute("tabindex", "0");
  const sizes = [...grid.letters].map((letter) => windows.sizes[letter]);
  return element(
    "div",
    {
      class: "grid",
      role: "grid",
      "aria-label": `${grid.name}, shape (${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`,
      "aria-readonly": isEditable(grid.name) ? null : "true",
      "aria-rowcount": grid.rowLetter ? windows.sizes[grid.rowLetter] : 1,
      "aria-colcount": grid.columnLetter ? windows.sizes[grid.columnLetter] : 1,
    },
    body,
  );
}

/** The numbers along an edge of a grid, with names to the left of rows and beside W2. */
export function createTicks(store, windows, letter, side) {
  const ticks = Array.from({ length: windows.count[letter] }, () => element("span", {}));
  const node = element("div", { class: `ticks ${side}`, "aria-hidden": "true" }, ticks);
  const update = () =>
    ticks.forEach((tick, at) => {
      const place = windows.from[letter] + at;
      const own = side === "top" ? "" : ownName(store, letter, place);
      tick.replaceChildren(...numberAndName(letter, place, own && element("b", {}, own)));
      tick.title = own && fullName(store, letter, place);
    });
  update();
  return { node, side, update };
}

/** Of a feature or class "bill length 0"; of a row, which has a name in a table, "0 (row 160 …)". */
function numberAndName(letter, place, name) {
  if (!name) return [String(place)];
  return letter === "n" ? [`${place} (`, name, ")"] : [name, ` ${place}`];
}
