// Which rows, features, units and classes are drawn, where they are too many for all.

import { element } from "../parts/dom.js";

const WORDS = { n: "rows", i: "features", h: "hidden units", k: "classes" };

export function windowBar(root, windows) {
  if (!windows.partial.length) return;
  const sliders = windows.partial.map((letter) => slider(windows, letter));
  windows.subscribe(() => sliders.forEach((one) => one.update()));
  const bar = { class: "row", role: "group", "aria-label": "Part that is drawn" };
  root.append(element("div", bar, sliders.map((one) => one.node)));
}

function slider(windows, letter) {
  const { sizes, count } = windows;
  const text = element("span");
  const input = element("input", {
    type: "range",
    min: 0,
    max: sizes[letter] - count[letter],
    value: windows.from[letter],
    oninput: () => windows.move(letter, Number(input.value)),
  });
  const update = () => {
    const from = windows.from[letter];
    const last = from + count[letter] - 1;
    text.textContent = `${WORDS[letter]} ${from} to ${last} of ${sizes[letter]}`;
    input.value = from;
  };
  update();
  return { node: element("label", {}, text, input), update };
}
