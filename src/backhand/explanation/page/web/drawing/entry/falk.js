// A product of two matrices to scale, in Falk's scheme: which transpose fits can be seen.

import { svg } from "../../parts/dom.js";
import { largest, levelOf } from "../../parts/levels.js";
import { valueOf } from "../../mathematics/rules.js";

/** Most cells of a matrix that are coloured, and the lengths that a drawing may have. */
const CELLS = 600;
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
  return {
    left: oriented(find(a) ?? ONES, a + rule.over),
    top: oriented(find(b), rule.over + b),
    result: { name, letters: a + b, transposed: false },
  };
}

/** What a bias is multiplied by: a column of ones. */
const ONES = { name: "1", indices: "n1" };

function oriented({ name, indices }, letters) {
  return { name, letters, transposed: indices !== letters };
}

/**
 * Draw a product. Returns {node, mark, update}: `mark(index)` marks an entry, its row and its
 * column; `update` colours the cells anew.
 */
export function drawProduct(store, sizes, { left, top, result }) {
  const length = (letter) => (letter === "1" ? 1 : sizes[letter]);
  const edge = (letter) => Math.min(LONGEST, EDGE * length(letter));
  const [rows, inner] = [...left.letters].map(edge);
  const columns = edge(top.letters[1]);
  const x = Math.max(inner + GAP, 64);
  const y = inner + GAP + 18;
  // All are coloured or none: one that is blank beside another would look like zeros.
  const few = [left, top, result].every(
    ({ letters }) => length(letters[0]) * length(letters[1]) <= CELLS,
  );
  const drawn = (one, box, kind) => matrix(store, length, one, box, { kind, few });
  const matrices = [
    drawn(left, { x: x - GAP - inner, y, width: inner, height: rows }, "operand"),
    drawn(top, { x, y: y - GAP - inner, width: columns, height: inner }, "operand"),
    drawn(result, { x, y, width: columns, height: rows }, "target"),
  ];
  const shape = (one) => `(${[...one.letters].map(length).join(", ")})`;
  const title = (one) => `${one.name}${one.transposed ? "ᵀ" : ""} ${shape(one)}`;
  const labels = [
    label(title(left), x - GAP, y + rows + 14, "end"),
    label(title(top), x, 12, "start"),
    label(title(result), x, y + rows + 14, "start"),
  ];
  const width = x + Math.max(columns, 110);
  const height = y + rows + 20;
  const node = svg(
    "svg",
    {
      class: "falk",
      role: "img",
      "aria-label": `${title(left)} times ${title(top)} is ${title(result)}`,
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
    },
    matrices.map((one) => one.node),
    labels,
  );
  return {
    node,
    mark(index) {
      const [a, b] = [...result.letters];
      const at = { [a]: index.length > 1 ? index[0] : 0, [b]: index.at(-1) };
      matrices.forEach((one) => one.mark(at));
    },
    update: () => matrices.forEach((one) => one.update()),
  };
}

function label(text, x, y, anchor) {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

/** One matrix: its cells where they are few, and a mark around what the entry reads. */
function matrix(store, length, one, box, { kind, few }) {
  const [r, c] = [...one.letters];
  const [rows, columns] = [length(r), length(c)];
  const height = box.height / rows;
  const width = box.width / columns;
  const cells = few ? cellsOf(rows, columns, box, width, height) : [];
  const part = svg("rect", { class: kind });
  const node = svg("g", {}, svg("rect", { class: "frame", ...box }), cells, part);
  return {
    node,
    update: () => few && colour(store, one, cells, rows, columns),
    mark(at) {
      part.setAttribute("x", box.x + (at[c] ?? 0) * width);
      part.setAttribute("y", box.y + (at[r] ?? 0) * height);
      part.setAttribute("width", at[c] === undefined ? box.width : Math.max(2, width));
      part.setAttribute("height", at[r] === undefined ? box.height : Math.max(2, height));
    },
  };
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
  const most = data ? largest(data) : 1;
  cells.forEach((cell, place) => {
    const [r, c] = [Math.floor(place / columns), place % columns];
    const value = data ? data[transposed ? c * rows + r : place] : 1;
    const level = levelOf(value, most);
    if ((cell.level ?? 0) === level) return;
    cell.level = level;
    if (level) cell.setAttribute("data-level", level);
    else cell.removeAttribute("data-level");
  });
}
