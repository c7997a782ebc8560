// The plane in words: what the picture shows, for those who do not see it.

import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { rowsRight } from "../../mathematics/predictions.js";
import { unitLine } from "./two_features.js";

/** One sentence on the whole. */
export function planeInWords(store, view, areas) {
  const { names, given } = store;
  const parts = [...(areas ?? [])]
    .sort((one, other) => other[1].share - one[1].share)
    .map(([k, { share }]) => `${names.k[k]} ${shown(100 * share, 2)} %`);
  const regions = parts.length ? ` Predicted in the plane shown: ${parts.join(", ")}.` : "";
  return (
    `The plane of ${view.names.join(" and ")}: ` +
    `${rowsRight(store)} of ${given.X.shape[0]} rows are predicted right.${regions}`
  );
}

/** The hinge of a unit as an equation, and on how many rows it is active. */
export function unitInWords({ values }, view, h) {
  const { p, q, c } = unitLine(view.network, h);
  const [x, y] = view.names;
  const line = `${shown(p)} · ${x} ${signed(q)} · ${y} ${signed(c)}`;
  const rows = values.Z1.shape[0];
  let active = 0;
  for (let n = 0; n < rows; n++) active += entry(values.Z1, [n, h]) > 0 ? 1 : 0;
  return `Unit ${h}: active where ${line} > 0; active in ${active} of ${rows} rows.`;
}

function signed(value) {
  return value < 0 ? `− ${shown(-value)}` : `+ ${shown(value)}`;
}
