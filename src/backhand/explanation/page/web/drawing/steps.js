// Equation by equation: forward, loss, backward, update; one at a time, or as a film.

import { button } from "../parts/controls.js";
import { element } from "../parts/dom.js";
import { formula } from "../parts/formulas.js";
import { sizesOf } from "../mathematics/rules.js";
import { namesAt, STAGES } from "./stages.js";
import { wordsOf } from "./entry/words.js";

/** Seconds that an equation is shown for. */
const SPEEDS = { slow: 7, normal: 4, fast: 1.5 };

/** Entries of an array at which a film stops, at most. */
const STOPS = 12;

const GROUPS = [
  ["forward", ["Z1", "H1", "S", "P", "losses", "L"]],
  ["backward", ["dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1"]],
  ["update", ["new b2"]],
];

/** The bar of steps. Returns a function that ends it. */
export function stepsBar(root, store, windows) {
  const film = createFilm(store, windows, () => show());
  const chips = Object.fromEntries(STAGES.map((stage) => [stage, chip(store, film, stage)]));
  const groups = GROUPS.map(([title, stages]) =>
    element(
      "div",
      { class: "chips", role: "group", "aria-label": title },
      stages.length > 1 ? element("span", { class: "quiet" }, title) : null,
      stages.map((stage) => chips[stage]),
    ),
  );
  const controls = controlButtons(store, film);
  const says = element("p", { class: "says", "aria-live": "polite" });
  const bar = { class: "steps", role: "group", "aria-label": "Step by step" };
  root.append(element("div", bar, controls.node, groups), says);

  function show() {
    for (const [stage, button] of Object.entries(chips)) {
      if (stage === store.stage) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
    controls.update();
    says.replaceChildren(...sentence(store));
    says.hidden = store.stage === null;
    root.classList.toggle("stepping", store.stage !== null);
  }
  show();
  const stop = store.subscribe((what) => what.has("stage") && show());
  return () => {
    film.stop();
    stop();
  };
}

function chip(store, film, stage) {
  const show = () => {
    film.stop();
    store.setStage(stage);
  };
  return button(stage === "new b2" ? "update" : stage, show, { class: "chip" });
}

/** The equation of the stage, and what it says. */
function sentence(store) {
  const { stage, given } = store;
  if (stage === null) return [];
  const equations = namesAt(stage).flatMap((name) => [formula(name, given), "\u2003"]);
  return [...equations, wordsOf(stage, sizesOf(store.values), store.rules).what];
}

function controlButtons(store, film) {
  const back = button("Back", () => go(store, film, -1));
  const next = button("Next", () => go(store, film, 1));
  const play = button("Play", () => film.toggle(), { class: "main" });
  const all = button("Show all", () => {
    film.stop();
    store.setStage(null);
  });
  const speed = element(
    "select",
    { "aria-label": "Speed", onchange: () => film.setSeconds(SPEEDS[speed.value]) },
    Object.keys(SPEEDS).map((name) => element("option", { selected: name === "normal" }, name)),
  );
  return {
    node: element("div", { class: "film" }, play, back, next, all, speed),
    update() {
      play.textContent = film.runs() ? "Pause" : "Play";
      back.disabled = store.stage === STAGES[0];
      next.textContent = store.stage === STAGES.at(-1) ? "Take the step" : "Next";
      all.setAttribute("aria-pressed", String(store.stage === null));
    },
  };
}

/** To the next equation or back. After the update, all begins anew with the new parameters. */
function go(store, film, by) {
  film.stop();
  const at = store.stage === null ? (by > 0 ? -1 : STAGES.length) : STAGES.indexOf(store.stage);
  if (at + by >= STAGES.length) {
    store.step(1);
    store.setStage(STAGES[0]);
  } else store.setStage(STAGES[Math.max(0, at + by)]);
}

/** Plays the stages; in each, it goes through entries, so that their row and column are seen. */
function createFilm(store, windows, changed) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let seconds = SPEEDS.normal;
  let request = 0;
  let begun = null; // the time at which the stage was first drawn
  let stop = -1;

  const film = {
    runs: () => request !== 0,
    setSeconds: (value) => (seconds = value),
    toggle: () => (request ? film.stop() : start()),
    stop() {
      if (!request) return;
      cancelAnimationFrame(request);
      request = 0;
      store.hover(null);
      changed();
    },
  };

  function start() {
    const last = store.stage === null || store.stage === STAGES.at(-1);
    store.setStage(last ? STAGES[0] : store.stage);
    if (!still) store.select(null); // or what it points at would not be seen
    begun = null;
    stop = -1;
    request = requestAnimationFrame(frame);
    changed();
  }

  function frame(now) {
    begun ??= now; // not performance.now() at the start, which may be later than the frame's time
    if (now - begun >= seconds * 1000) {
      const next = STAGES[STAGES.indexOf(store.stage) + 1];
      if (!next) return film.stop();
      store.setStage(next);
      begun = now;
      stop = -1;
    }
    if (!still) point((now - begun) / (seconds * 1000));
    request = requestAnimationFrame(frame);
  }

  /** Point at the entry that a share of the time has come to. */
  function point(share) {
    const at = Math.floor(share * STOPS);
    if (at === stop) return;
    stop = at;
    const [name] = namesAt(store.stage);
    store.hover({ name, index: entryAt(name, at / STOPS) });
  }

  /** An entry on the way through the part of an array that is drawn, row by row. */
  function entryAt(name, share) {
    const letters = [...store.shapes[name]];
    const sizes = letters.map((letter) => windows.count[letter]);
    const count = sizes.reduce((product, size) => product * size, 1);
    let place = Math.floor(share * count);
    return sizes
      .reduceRight((index, size) => {
        const at = place % size;
        place = Math.floor(place / size);
        return [at, ...index];
      }, [])
      .map((at, axis) => at + windows.from[letters[axis]]);
  }

  return film;
}
