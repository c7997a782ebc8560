// Two passes side by side: the equations, where the numbers first differ, and those of one value.

import { element } from "../../parts/dom.js";
import { liveNodes } from "../../parts/live.js";
import { numberGrid, windowOf } from "../../parts/number_grid.js";
import { shown } from "../../parts/numbers.js";
import { shapeText } from "../../lines/numpy.js";
import { commonFactor, haveOneShape, relativeDifference } from "./passes.js";
import { TOLERANCE, worstPlace } from "./passes.js";
import { table } from "../../parts/table.js";

const WORDS = {
  equal: "= equal",
  wrong: "✗ wrong",
  inherited: "↓ inherited",
  missing: "∅ not computed",
};

const INHERITED = "inherited: right given its inputs, which are wrong";

const DIFFERENCE =
  "difference: ‖a − b‖ / max(‖a‖, ‖b‖) of the two arrays a and b, where ‖a‖ is the square root " +
  "of the sum of the squares of all entries of a";

/**
 * A comparison: `{node, show(passes)}`.
 *
 * @param names the values to compare, in the order of the derivation
 * @param heads what the two sides are called: ["right", "wrong"]
 */
export function comparison(names, heads) {
  const live = liveNodes();
  const state = { passes: null, chosen: null };
  const numbers = numbersOf(heads);
  const update = () => {
    live.update();
    numbers.show(state.passes, chosenOf(state) ?? names[0]);
  };
  const choose = (name) => {
    state.chosen = name;
    update();
  };
  const rows = names.map((name) => equationRow(live, state, name, choose));
  const list = table("Equation by equation", ["value", "line", "numbers", "difference"], rows);
  list.classList.add("equations");
  const node = element(
    "div",
    { class: "parts comparison" },
    element("div", {}, list, quiet(INHERITED), quiet(DIFFERENCE)),
    element("div", {}, numbers.node),
  );
  return {
    node,
    /** Show two passes; the first value that differs is chosen anew if the lines have changed. */
    show(passes) {
      const before = state.passes?.changes;
      state.passes = passes;
      if (JSON.stringify(before) !== JSON.stringify(passes.changes)) state.chosen = null;
      update();
    },
  };
}

const quiet = (text) => element("p", { class: "quiet" }, text);

/** Without a choice, where the numbers first differ; if they do not, the line that was changed. */
const chosenOf = ({ chosen, passes }) => chosen ?? passes.first ?? Object.keys(passes.changes)[0];

function equationRow(live, state, name, choose) {
  const ofName = () => state.passes.states[name];
  const attributes = { type: "button", class: "choice", onclick: () => choose(name) };
  const button = element("button", attributes, name);
  live.attribute(button, "aria-pressed", () => String(name === chosenOf(state)));
  const words = element("td");
  words.append(live.text(() => WORDS[ofName()]));
  live.attribute(words, "class", ofName);
  const difference = live.text(() => differenceOf(state.passes, name));
  const line = live.text(() => state.passes.changes[name] ?? state.passes.lines[name] ?? "");
  const code = element("td", { class: "line" }, element("code", {}, line));
  return [button, code, words, difference];
}

function differenceOf({ right, wrong, errors }, name) {
  if (errors[name] || !wrong[name] || !right[name]) return "—";
  if (!haveOneShape(right[name], wrong[name])) return "other shape";
  return shown(relativeDifference(right[name], wrong[name]), 2);
}

/** The numbers of one value, on both sides if they differ, and in words how. */
function numbersOf(heads) {
  const title = element("h3");
  const words = element("p", { role: "status" });
  const grids = heads.map(() => numberGrid());
  const pair = element("div", { class: "row pair" }, grids.map((grid) => grid.node));
  const node = element("div", {}, title, words, pair);
  function show(passes, name) {
    const [right, wrong] = [passes.right[name], passes.wrong[name]];
    const comparable = haveOneShape(right, wrong);
    const place = comparable ? worstPlace(right, wrong) : 0;
    const least = TOLERANCE * (right ? largest(right) : 0);
    const differs = (at) => !comparable || !(Math.abs(right.data[at] - wrong.data[at]) <= least);
    const isEqual = passes.states[name] === "equal";
    setText(title, isEqual ? name : `${name}: ${heads.join(" and ")}`);
    setText(words, inWords(passes, name));
    [right, wrong].forEach((a, side) => {
      grids[side].node.hidden = !a || (isEqual && side > 0);
      if (grids[side].node.hidden) return;
      const caption = captionOf(isEqual ? "" : `${heads[side]}: `, name, a);
      grids[side].draw(caption, a, windowOf(a, place), side ? differs : undefined);
    });
  }
  return { node, show };
}

function captionOf(head, name, a) {
  const shape = a.shape.length ? ` ${shapeText(a.shape)}` : "";
  const { rows, columns } = windowOf(a);
  const part = rows.length * columns.length < a.data.length ? ", a part of it" : "";
  return `${head}${name}${shape}${part}`;
}

const largest = (a) => a.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const shapeOf = (a) => shapeText(a?.shape ?? []);

/** What is to be seen in the numbers of a value. */
function inWords(passes, name) {
  const { right, wrong, errors } = passes;
  if (errors[name]) return `The line cannot be computed: ${errors[name]}.`;
  if (!wrong[name]) return "Not computed.";
  if (!haveOneShape(right[name], wrong[name]))
    return `The shape is ${shapeOf(wrong[name])}; expected ${shapeOf(right[name])}.`;
  if (passes.states[name] === "equal") return "Both have these numbers.";
  const factor = commonFactor(right[name], wrong[name]);
  const ratio =
    factor === null ? "" : ` Every entry is ${shown(factor, 6)} times the one that is expected.`;
  return `${causeOf(passes, name)}${ratio}`;
}

function causeOf({ states, first }, name) {
  if (states[name] === "inherited")
    return "The numbers differ because its inputs do: the line itself is right.";
  if (first === name)
    return "Here the numbers first differ: the inputs are right, and the result is not.";
  return `The line gives other numbers than the right one, and ${first} differs already.`;
}
