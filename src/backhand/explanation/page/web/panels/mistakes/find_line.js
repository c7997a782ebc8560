// "Find the wrong line": a mistake is drawn, its numbers are shown, and the reader names the line.

import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { checkGradients, numbersToMove } from "./gradient_check.js";
import { liveNodes } from "../../parts/live.js";
import { numberGrid, windowOf } from "../../parts/number_grid.js";
import { shown } from "../../parts/numbers.js";
import { shapeText } from "../../lines/numpy.js";
import { equationOf, messageNodes } from "./mistake_words.js";
import { bothPasses, haveOneShape, worstPlace } from "./passes.js";
import { table } from "../../parts/table.js";

const TASK =
  "One of the lines below is wrong. Compare the numbers of this pass with the right " +
  "ones, value by value, and choose the line.";

const ERROR =
  "error = ‖a − n‖ / max(‖a‖, ‖n‖): a is a gradient of this pass, n that of finite differences";

const MOST_MOVED = 400;

/** The game: `{node, update()}`. */
export function findLine(store) {
  const live = liveNodes();
  const game = {
    mistake: null, passes: null, looked: "Z1", guesses: [], ended: false, checked: null,
    solved: 0, atOnce: 0,
  };
  const answer = element("div", { role: "status", class: "answer" });
  const grids = { right: numberGrid(), wrong: numberGrid() };
  const show = () => {
    live.update();
    drawNumbers(game, grids);
  };
  const moves = {
    draw() {
      drawMistake(store, game);
      answer.replaceChildren(element("p", {}, TASK));
      show();
    },
    guess(name) {
      answer.replaceChildren(...answerTo(game, name));
      show();
    },
    look(name) {
      game.looked = name;
      show();
    },
    giveUp() {
      game.ended = true;
      const start = element("p", {}, `It is the line of ${game.mistake.equation}. `);
      answer.replaceChildren(start, ...messageNodes(game.mistake));
      show();
    },
  };
  const list = guessList(live, game, Object.keys(store.contents.lines), moves);
  const board = element("div", { class: "parts game" },
    element("div", {}, answer, list),
    element("div", {},
      element("div", { class: "row pair" }, grids.wrong.node, grids.right.node),
      gradientCheck(store, live, game)),
  );
  live.attribute(board, "hidden", () => !game.mistake);
  const draw = button("Draw a mistake", moves.draw);
  const giveUp = button("Show the answer", moves.giveUp);
  live.attribute(giveUp, "disabled", () => !game.mistake || game.ended);
  const top = element("div", { class: "row" }, draw, giveUp, score(live, game));
  live.update();
  return {
    node: element("div", {}, top, board),
    update() {
      if (!game.mistake) return;
      game.passes = bothPasses(store, game.mistake.lines);
      show();
    },
  };
}

/** Another mistake than the last, one that changes these numbers. */
function drawMistake(store, game) {
  const others = store.contents.mistakes.filter((mistake) => mistake !== game.mistake);
  while (others.length) {
    const [mistake] = others.splice(Math.floor(Math.random() * others.length), 1);
    const passes = bothPasses(store, mistake.lines);
    if (!passes.first) continue;
    const looked = Object.keys(passes.lines)[0];
    Object.assign(game, { mistake, passes, looked, guesses: [], ended: false, checked: null });
    return;
  }
}

/** The value that is looked at, of this pass and as it should be. */
function drawNumbers({ passes, looked }, grids) {
  const [right, wrong] = [passes?.right[looked], passes?.wrong[looked]];
  const place = haveOneShape(right, wrong) ? worstPlace(right, wrong) : 0;
  draw(grids.wrong, "this pass", wrong);
  draw(grids.right, "right", right);

  function draw(grid, head, a) {
    grid.node.hidden = !a;
    if (a) grid.draw(`${head}: ${looked} ${shapeText(a.shape)}`, a, windowOf(a, place));
  }
}

/** Of each value: look at its numbers, or choose its line as the wrong one. */
function guessList(live, game, names, { guess, look }) {
  const rows = names.map((name) => {
    const see = button(name, () => look(name), { class: "choice" });
    see.setAttribute("aria-label", `${name}: its numbers`);
    live.attribute(see, "aria-pressed", () => String(game.looked === name));
    const line = element("code");
    line.append(live.text(() => game.passes?.lines[name] ?? ""));
    const say = button("This one?", () => guess(name), { class: "choice" });
    say.setAttribute("aria-label", `This one? ${name}`);
    live.attribute(say, "disabled", () => game.ended || game.guesses.includes(name));
    const result = element("td");
    result.append(live.text(() => resultOf(game, name)));
    return [see, element("td", { class: "line" }, line), say, result];
  });
  const columns = ["numbers", "right line", "", ""];
  const list = table("The right lines: this pass has another for one of them", columns, rows);
  list.classList.add("equations");
  return list;
}

function resultOf({ guesses, mistake }, name) {
  if (!guesses.includes(name)) return "";
  return isIt(mistake, name) ? "✓ yes" : "✗ no";
}

const isIt = (mistake, name) => name in mistake.lines && equationOf(name) === mistake.equation;

/** The doctor's words: its question after a wrong guess, what is wrong after the right one. */
function answerTo(game, name) {
  const { mistake, passes } = game;
  game.guesses.push(name);
  if (isIt(mistake, name)) {
    game.ended = true;
    game.solved += 1;
    if (game.guesses.length === 1) game.atOnce += 1;
    return [element("p", {}, element("strong", {}, "Found. ")), ...messageNodes(mistake)];
  }
  return [
    element("p", {}, `Not ${name}: ${whyNot(passes, name)}`),
    element("p", {}, "A question to think about: ", element("em", {}, mistake.question)),
  ];
}

/** What the guess has shown. */
function whyNot({ states }, name) {
  if (states[name] === "equal") return "its numbers are the ones that the equations give.";
  if (states[name] === "missing")
    return "its line is right, but what it reads could not be computed.";
  return "its numbers are wrong, but its line is right: something that it reads is wrong already.";
}

function score(live, game) {
  const line = element("p", { class: "quiet" });
  const words = () => `Found: ${game.solved}, of which ${game.atOnce} at the first guess.`;
  line.append(live.text(() => (game.solved ? words() : "")));
  return line;
}

/** The pass's gradients beside finite differences of its own loss, on demand. */
function gradientCheck(store, live, game) {
  const names = ["dW2", "db2", "dW1", "db1"];
  const run = button("Check its gradients by finite differences", () => {
    game.checked = checkGradients(game.passes);
    live.update();
  });
  const error = (name) => () => {
    const found = game.checked?.[name];
    return Number.isNaN(found) ? "no such shape" : found === undefined ? "" : shown(found, 2);
  };
  const rows = names.map((name) => [name, live.text(error(name))]);
  const result = table(ERROR, ["gradient", "error"], rows);
  live.attribute(result, "hidden", () => !game.checked);
  const words = element("p", { class: "quiet" },
    "Below 1e−7 is rounding, above 1e−4 a fault (or a kink). Where the loss is computed wrongly, " +
    "so are the finite differences: they agree with it, not with the right loss.");
  live.attribute(words, "hidden", () => !game.checked);
  return element("div", { hidden: numbersToMove(store) > MOST_MOVED }, run, result, words);
}
