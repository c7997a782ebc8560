// "Find the wrong line": a mistake is drawn, its numbers are shown, and the reader names the line.

import { element } from "./dom.js";
import { liveNodes } from "./live.js";
import { numberGrid, windowOf } from "./number_grid.js";
import { shapeText } from "./numpy.js";
import { bothPasses } from "./passes.js";
import { equationOf, whatWasExpected } from "./mistake_words.js";

/** The game: `{node, update()}`. */
export function findLine(store) {
  const live = liveNodes();
  const game = {
    mistake: null, passes: null, looked: "dS", guesses: [], found: false, asked: 0, atOnce: 0,
  };
  const answer = element("div", { role: "status", class: "answer" });
  const grid = numberGrid();
  const show = () => {
    live.update();
    drawNumbers(game, grid);
  };
  const draw = () => {
    drawMistake(store, game);
    answer.replaceChildren(element("p", {}, "Which line is wrong? Look at the numbers, and choose."));
    show();
  };
  const guess = (name) => {
    answer.replaceChildren(...answerTo(game, name));
    show();
  };
  const look = (name) => {
    game.looked = name;
    show();
  };
  const names = Object.keys(store.contents.lines);
  const node = element(
    "div",
    {},
    element("div", { class: "row" }, button("Draw a mistake", draw), score(live, game)),
    live.attribute(
      element(
        "div",
        { class: "parts game" },
        element("div", {}, answer, guessList(live, game, names, { guess, look })),
        element("div", {}, grid.node, whatToLookFor(live, game)),
      ),
      "hidden",
      () => !game.mistake,
    ),
  );
  live.update();
  return {
    node,
    update() {
      if (!game.mistake) return;
      game.passes = bothPasses(store, game.mistake.lines);
      show();
    },
  };
}

function button(text, act, attributes = {}) {
  return element("button", { type: "button", onclick: act, ...attributes }, text);
}

/** Another mistake than the last, one that changes these numbers. */
function drawMistake(store, game) {
  const others = store.contents.mistakes.filter((mistake) => mistake !== game.mistake);
  while (others.length) {
    const [mistake] = others.splice(Math.floor(Math.random() * others.length), 1);
    const passes = bothPasses(store, mistake.lines);
    if (!passes.first) continue;
    Object.assign(game, { mistake, passes, guesses: [], found: false });
    return;
  }
}
