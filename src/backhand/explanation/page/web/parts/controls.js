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
  const box = element("input", { type: "number", step: "any", "aria-label": label });
  if (least > -Infinity) box.min = least;
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
  box.addEventListener("input", () => isTaken(box) && onchange(Number(box.value)));
  box.addEventListener("change", () => box.reportValidity());
  const show = (value) => {
    const at = String(toSlider(value));
    if (!slider.matches(":active")) slider.value = at;
    slider.setAttribute("aria-valuetext", shown(value));
    if (!box.matches(":focus")) box.value = String(rounded(value, digits));
  };
  const node = element("div", { class: "number-control" }, element("span", {}, label), slider, box);
  const enable = (is) => {
    slider.disabled = !is;
    box.disabled = !is;
  };
  return { node, show, range, enable };
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

/** Whether the text of a box is a number that it takes. */
function isTaken(box) {
  return box.value !== "" && Number.isFinite(Number(box.value)) && box.validity.valid;
}

/** As one would type it. */
function rounded(value, digits) {
  return Number(value.toPrecision(digits));
}
