// The doctor's words for a mistake.

import { element } from "../../parts/dom.js";

/** The equation that gives a value: its own, or the update. */
export function equationOf(name) {
  return name.startsWith("new ") ? "update" : name;
}

/** What is wrong, what the code computes and what was expected, as paragraphs. */
export function messageNodes(mistake) {
  const lines = Object.entries(mistake.lines).map(([name, code]) =>
    element(
      "li",
      {},
      element("code", {}, `${name} = ${code}`),
      "; expected ",
      element("code", {}, `${name} = ${mistake.right[name]}`),
    ),
  );
  return [element("p", {}, mistake.message), element("ul", {}, lines)];
}
