// The plane as it is drawn: coarsely while numbers change, finely once they are quiet.

import { setAttributes } from "../../parts/axes.js";
import { svg } from "../../parts/dom.js";
import { freeBox } from "./free_places.js";
import { hingeLayer } from "./hinge_layer.js";
import { firstInView, onceQuiet } from "../../parts/pacing.js";
import { columnsFor, paintRegions, planeFrame, regionColours } from "./plane_drawing.js";
import { planeInWords } from "./plane_words.js";
import { rowLayer } from "./row_layer.js";

const NEAR = [0, -18, 18, -36, 36]; // pixels from where a region has most room to its name

/**
 * `{node, areas, redraw(), emphasise()}`: `areas` of each class as last painted; `emphasise` shows
 * what is hovered or pinned; `afterwards` is called when the regions have been painted finely.
 */
export function createPicture(box, store, view, afterwards) {
  const frame = planeFrame(() => picture.redraw());
  const drawNames = classNames(store, frame.area);
  const hinges = hingeLayer(store, frame.area);
  const rows = rowLayer(store, frame.area);
  const picture = { node: frame.node, areas: null };
  let stale = true;
  let scales = null;
  let boxes = []; // of the rows
  let colours = null;

  const layOut = () =>
    frame.layOut(view.window, view.names, planeInWords(store, view, picture.areas));
  const paint = (fineness) => {
    const columns = columnsFor(store.given, fineness);
    colours ??= regionColours(frame.node, store.names.k.length);
    picture.areas = paintRegions(frame, view, columns, colours);
  };
  const paintFinely = onceQuiet(() => {
    if (!box.isConnected) return;
    colours = null; // the page may have become dark since
    paint(3);
    const names = drawNames(picture.areas, frame.inner(), boxes);
    layOut(); // for its text alternative
    hinges.draw(view, scales, [...names, ...boxes]);
    afterwards();
  });
  const drawIfSeen = firstInView(box, () => {
    if (stale) {
      view.holdRows();
      scales = layOut();
      boxes = rows.draw(view, scales);
      hinges.draw(view, scales, boxes);
      drawNames(null);
      paint(1);
      paintFinely();
      stale = false;
    }
    hinges.emphasise(view, scales);
    rows.emphasise(view);
  });
  picture.emphasise = drawIfSeen;
  picture.redraw = () => {
    stale = true;
    drawIfSeen();
  };
  return picture;
}

/**
 * The names of the classes in their regions, once these stand still: colour is never alone. The
 * function that draws them returns their boxes (free_places.js).
 */
function classNames(store, area) {
  const attributes = { class: "region", "text-anchor": "middle" };
  const names = store.names.k.map((name) => svg("text", attributes, name));
  area.append(...names);
  return (areas, inner, taken) => names.flatMap((text, k) => {
    const area = areas?.get(k);
    text.style.display = area ? "" : "none";
    if (!area) return [];
    const [x, y] = [inner.x + area.x * inner.width, inner.y + area.y * inner.height];
    const size = { width: 8 * text.textContent.length, height: 16 };
    const box = freeBox(NEAR.map((by) => ({ x, y: y + by, ...size })), taken);
    setAttributes(text, { x, y: box.y + 4 });
    return [box];
  });
}
