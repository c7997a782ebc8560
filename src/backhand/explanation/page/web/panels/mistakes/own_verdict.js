// At the head of the page: whether somebody's function gives the numbers that were expected.

import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";

/** A note with a button that `open`s the comparison; null where no function is shown. */
export function ownVerdict({ contents }, open) {
  const own = contents.own_function;
  if (!own) return null;
  const kind = own.parts_at ? "differs" : "equal";
  return element(
    "p",
    { class: `own-verdict ${kind}`, role: "note" },
    element("strong", {}, ...inShort(own)),
    " The drawing shows the numbers of the equations. ",
    button("Both side by side", open, { class: "link" }),
  );
}

function inShort({ name, parts_at, compared, outcome }) {
  const code = element("code", {}, name);
  if (!parts_at)
    return [outcome === "correct" ? "✓ " : "", code, ": every value is as expected."];
  const others = compared.filter((one) => !one.alike && one.name !== parts_at);
  const list = others.length ? `, then in ${others.map((one) => one.name).join(", ")}` : "";
  return ["✗ ", code, ` differs from the equations first in ${parts_at}${list}.`];
}
