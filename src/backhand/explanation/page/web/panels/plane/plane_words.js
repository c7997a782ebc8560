// The plane in words: what the picture shows, for those who do not see it.

import { entry } from "../../mathematics/matrix.js";
import { shown } from "../../parts/numbers.js";
import { rowsRight } from "../../mathematics/predictions.js";
import { rowsElsewhere, unitLine } from "./two_features.js";

const MOST_NAMED = 8;

/** One sentence on the whole. */
export function planeInWords(store, view, areas) {
  const { names, given } = store;
  const parts = [...(areas ?? [])]
    .sort((one, other) => other[1].share - one[1].share)
    .map(([k, { share }], at) => {
      const area = at ? "" : " of the area shown is predicted";
      return `${shown(100 * share, 2)} %${area} as ${names.k[k]}`;
    });
  const regions = parts.length ? ` ${parts.join(", ")}.` : "";
  return (
    `The plane of ${view.names.join(" and ")}: ` +
    `${rowsRight(store)} of ${given.X.shape[0]} rows are predicted right.${regions}`
  );
}

/** Why rows do not lie in the region of the class that is predicted for them. */
export function otherFeatures(store, view) {
  const all = `all other features are those of ${store.names.n[view.row]}`;
  const rows = rowsElsewhere(store, view.network, view.pair);
  const start = `The regions and hinges hold where ${all}.`;
  if (!rows.length) return start;
  const named = rows.slice(0, MOST_NAMED).map((n) => store.names.n[n]).join(", ");
  const left = rows.length - MOST_NAMED;
  return (
    `${start} With their own, these rows are predicted as another class than that of the region ` +
    `in which they are drawn: ${named}${left > 0 ? ` and ${left} more` : ""}.`
  );
}

/** The hinge of a unit as an equation, and on how many rows it is active. */
export function unitInWords({ values, names }, view, h) {
  const { p, q, c } = unitLine(view.network, h);
  const [x, y] = view.names;
  const line = `${shown(p)} · ${x} ${signed(q)} · ${y} ${signed(c)}`;
  const rows = values.Z1.shape[0];
  let active = 0;
  for (let n = 0; n < rows; n++) active += entry(values.Z1, [n, h]) > 0 ? 1 : 0;
  const start = `Unit ${h}: active where ${line} > 0`;
  const count = `active in ${active} of ${rows} rows`;
  if (values.X.shape[1] === 2) return `${start}; ${count}.`;
  return (
    `${start}, with the other features of ${names.n[view.row]}: ${shown(c)} is b1[${h}] plus ` +
    `their part. With each row's own features, it is ${count}.`
  );
}

function signed(value) {
  return value < 0 ? `− ${shown(-value)}` : `+ ${shown(value)}`;
}
