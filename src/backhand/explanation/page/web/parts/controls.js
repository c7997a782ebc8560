// A number that is chosen with a slider or typed, and buttons.

import { element } from "./dom.js";
import { shown } from "./numbers.js";

/**
 * A slider and a box for one number: `{node, show(value), range({low, high}), enable(is)}`.
 *
 * @param label what the number is
 * @param low, high the ends of the slider; the box takes any number from `least` on
 * @param log whether the slider goes by powers of ten
 * @param onchange called with the number as it is moved or typed
 */
export function numberControl({ label, low, high, log = false, least = -Infinity, onchange }) {
  const toSlider = (value) => (log ? Math.log10(Math.max(value, Number.MIN_VALUE)) : value);
  const fromSlider = (place) => (log ? rounded(10 ** place, 4) : rounded(place, digits));
  let digits = 4;
  const slider = element("input", { type: "range", step: "any", "aria-label": label });
  const box = numberField({ step: "any", "aria-label": label }, {
    refuse: (value) => (value < least ? `${label} is ${shown(least)} or more.` : ""),
    onchange,
  });
  const range = (ends) => {
    slider.min = toSlider(ends.low);
    slider.max = toSlider(ends.high);
    // "any" would make an arrow key move by 1, which is a power of ten or the whole slider.
    slider.step = (slider.max - slider.min) / 200;
    const size = Math.max(Math.abs(ends.low), Math.abs(ends.high));
    digits = log ? 4 : Math.min(15, Math.max(4, Math.ceil(Math.log10(size / slider.step)) + 1));
  };
  range({ low, high });
  slider.addEventListener("input", () => onchange(fromSlider(Number(slider.value))));
  const show = (value) => {
    const at = String(toSlider(value));
    if (!slider.matches(":active")) slider.value = at;
    slider.setAttribute("aria-valuetext", shown(value));
    box.show(rounded(value, digits));
  };
  const node = element("div", { class: "number-control" }, element("span", {}, label), slider, box.node);
  const enable = (is) => {
    slider.disabled = !is;
    box.input.disabled = !is;
  };
  return { node, show, range, enable };
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

/**
 * An input for a number: `{node, input, show(value)}`. What it does not take it says beside it, and
 * when the reader leaves it, the number that is used stands there again.
 *
 * @param refuse why a number is not taken; "" if it is
 * @param onchange called with each number that is taken, as it is typed
 */
export function numberField(attributes, { refuse = () => "", onchange }) {
  const input = element("input", { type: "number", ...attributes });
  const said = element("span", { class: "wrong", role: "status" });
  let last = "";
  const wrong = () =>
    input.value === "" || !Number.isFinite(Number(input.value))
      ? "This is not a number."
      : refuse(Number(input.value));
  const say = (text) => {
    said.textContent = text;
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  input.addEventListener("input", () => {
    const why = wrong();
    say(input.value === "" ? "" : why); // a number that is begun is none yet
    if (!why) onchange(Number(input.value));
  });
  input.addEventListener("change", () => {
    const why = wrong();
    if (!why) return;
    input.value = last;
    say(`${why} ${last} is used.`);
    input.setAttribute("aria-invalid", "false");
  });
  const show = (value) => {
    last = String(value);
    if (!input.matches(":focus") && input.value !== last) input.value = last;
  };
  return { node: element("span", { class: "number-field" }, input, said), input, show };
}

/** As one would type it. */
function rounded(value, digits) {
  return Number(value.toPrecision(digits));
}
