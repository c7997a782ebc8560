// Whether a wrong line of the reader's is the right one with something transposed.

import { transposed } from "../../lines/numpy.js";
import { isClose, resultOf } from "./passes.js";

const SIZES = { n: "N", i: "d", h: "H", k: "K" };

/** In words what is transposed in the line of a value; null if nothing is. */
export function transpositionIn({ lines, wrong, right }, name, shapes) {
  const got = wrong[name];
  if (got.shape.length !== 2) return null;
  if (isClose(right[name], transposed(got)))
    return `${name}: the result is transposed${onlySince(shapes[name], got)}.`;
  for (const operand of lines[name].match(/\bd?[A-Z]\w*/gu) ?? []) {
    if (wrong[operand]?.shape.length !== 2) continue;
    const [code, words] = turned(lines[name], operand);
    if (isClose(resultOf(code, wrong), got))
      return `${name}: ${words}${onlySince(shapes[operand], wrong[operand])}.`;
  }
  return null;
}

/** The line with one matrix the other way round, and in words. */
function turned(line, operand) {
  const name = new RegExp(`\\b${operand}\\b(\\.T)?`, "u");
  const isTurned = name.exec(line)[1];
  return isTurned
    ? [line.replace(name, operand), `${operand} is not transposed`]
    : [line.replace(name, `${operand}.T`), `${operand} is transposed`];
}

/** A square matrix fits both ways. */
function onlySince(letters, { shape: [rows, columns] }) {
  if (rows !== columns) return "";
  const [one, other] = [...letters].map((letter) => SIZES[letter]);
  return `, which fits only since ${one} = ${other} here`;
}
