// A frame around a box that scrolls: a shadow above its content, at each edge where it goes on.
//
// A background, as other boxes have (style.css), would be hidden by cells that have a colour.

import { element } from "./dom.js";

const EDGE = "14px";

/** The frame; the shadows follow the box's scrolling, its size, and that of its content. */
export function scrollFrame(box) {
  const frame = element("div", { class: "scroll-frame" }, box);
  const mark = () => {
    const { scrollLeft, scrollTop, scrollWidth, scrollHeight, clientWidth, clientHeight } = box;
    const show = (edge, beyond) => frame.style.setProperty(edge, beyond > 1 ? EDGE : "0px");
    show("--left", scrollLeft);
    show("--right", scrollWidth - clientWidth - scrollLeft);
    show("--top", scrollTop);
    show("--bottom", scrollHeight - clientHeight - scrollTop);
  };
  box.addEventListener("scroll", mark, { passive: true });
  const sizes = new ResizeObserver(mark);
  [box, ...box.children].forEach((node) => sizes.observe(node));
  return frame;
}
