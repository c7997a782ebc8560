// A product of two matrices to scale, in Falk's scheme: the transpose is the only thing that fits.

import { svg } from "./dom.js";
import { valueOf } from "./rules.js";

/** Longest axis of which every cell is drawn, and the lengths that a drawing may have. */
const CELLS = 16;
const EDGE = 11;
const LONGEST = 88;
const GAP = 10;

/**
 * The factors of a sum as a product (a, o) times (o, b), or null where it is none.
 *
 * [{name, letters, transposed}] for left, top and result; letters are those of its rows and
 * columns as drawn. A sum of one array is 1ᵀ times it.
 */
export function productOf(rules, name) {
  const rule = rules[name];
  if (rule?.form !== "sum") return null;
  const [a, b] = rule.indices.length === 2 ? rule.indices : ["1", rule.indices];
  const find = (letter) => rule.factors.find(({ indices }) => indices.includes(letter));
  const oriented = ({ name: one, indices }, letters) => ({ name: one, letters, transposed: indices !== letters });
  const left = find(a) ? oriented(find(a), a + rule.over) : { name: "1", letters: a + rule.over, transposed: true };
  return {
    left,
    top: oriented(find(b), rule.over + b),
    result: { name, letters: a + b, transposed: false },
  };
}

/**
 * Draw a product with the row, the column and the entry marked. Returns {node, update}; `update`
 * colours the cells anew.
 */
export function drawProduct(store, sizes, { left, top, result }, index) {
  const at = { [result.letters[1]]: index.at(-1), ...(index.length > 1 ? { [result.letters[0]]: index[0] } : {}) };
  const length = (letter) => (letter === "1" ? 1 : sizes[letter]);
  const edge = (letter) => Math.min(LONGEST, EDGE * length(letter));
  const [rows, inner] = [...left.letters].map(edge);
  const columns = edge(top.letters[1]);
  const x = Math.max(inner + GAP, 64);
  const y = inner + GAP + 18;
  const matrices = [
    matrix(store, sizes, left, { x: x - GAP - inner, y, width: inner, height: rows }, at),
    matrix(store, sizes, top, { x, y: y - GAP - inner, width: columns, height: inner }, at),
    matrix(store, sizes, result, { x, y, width: columns, height: rows }, at),
  ];
  const shape = (one) => `(${[...one.letters].map(length).join(", ")})`;
  const title = (one) => `${one.name}${one.transposed ? "ᵀ" : ""}`;
  const labels = [
    label(`${title(left)} ${shape(left)}`, x - GAP, y + rows + 14, "end"),
    label(`${title(top)} ${shape(top)}`, x, 12, "start"),
    label(`${title(result)} ${shape(result)}`, x, y + rows + 14, "start"),
  ];
  const width = x + Math.max(columns, 110);
  const node = svg(
    "svg",
    {
      class: "falk",
      role: "img",
      "aria-label": `${title(left)} ${shape(left)} times ${title(top)} ${shape(top)} is ${title(result)} ${shape(result)}`,
      width,
      height: y + rows + 20,
      viewBox: `0 0 ${width} ${y + rows + 20}`,
    },
    matrices.map((one) => one.node),
    labels,
  );
  return { node, update: () => matrices.forEach((one) => one.update()) };
}

function label(text, x, y, anchor) {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

/** One matrix: its cells where they are few, and the part that the entry reads. */
function matrix(store, sizes, one, box, at) {
  const [r, c] = [...one.letters];
  const rows = r === "1" ? 1 : sizes[r];
  const columns = sizes[c];
  const height = box.height / rows;
  const width = box.width / columns;
  const few = rows <= CELLS && columns <= CELLS;
  const cells = few ? cellsOf(rows, columns, box, width, height) : [];
  const part = {
    x: box.x + (at[c] ?? 0) * width,
    y: box.y + (at[r] ?? 0) * height,
    width: at[c] === undefined ? box.width : Math.max(2, width),
    height: at[r] === undefined && r !== "1" ? box.height : Math.max(2, height),
  };
  const isResult = at[c] !== undefined && (at[r] !== undefined || r === "1");
  const node = svg(
    "g",
    {},
    svg("rect", { class: "frame", ...box }),
    cells,
    svg("rect", { class: isResult ? "target" : "operand", ...part }),
  );
  const update = () => few && colour(store, one, cells, rows, columns);
  update();
  return { node, update };
}

function cellsOf(rows, columns, box, width, height) {
  return Array.from({ length: rows * columns }, (_, place) =>
    svg("rect", {
      class: "tile",
      x: box.x + (place % columns) * width,
      y: box.y + Math.floor(place / columns) * height,
      width,
      height,
    }),
  );
}

function colour(store, { name, transposed }, cells, rows, columns) {
  const data = name === "1" ? null : valueOf(store.values, name).data;
  const most = data ? data.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1 : 1;
  cells.forEach((cell, place) => {
    const [r, c] = [Math.floor(place / columns), place % columns];
    const value = data ? data[transposed ? c * rows + r : place] : 1;
    const level = value ? Math.sign(value) * Math.max(1, Math.ceil((Math.abs(value) / most) * 8)) : 0;
    if ((cell.level ?? 0) === level) return;
    cell.level = level;
    if (level) cell.setAttribute("data-level", level);
    else cell.removeAttribute("data-level");
  });
}
