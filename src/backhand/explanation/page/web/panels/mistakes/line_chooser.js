// Which lines are replaced: one of the doctor's mistakes, or one that the reader types.

import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { codeOf } from "../../lines/lines.js";
import { messageNodes } from "./mistake_words.js";
import { transpositionIn } from "./transpositions.js";
import { isClose, resultOf } from "./passes.js";

const SHOWN_FIRST = "dS.scale.no_mean";

/** The chooser: `{node, changes, show(passes)}`; `onchange` is called when the lines change. */
export function lineChooser(store, onchange) {
  const mistakes = store.contents.mistakes ?? [];
  const first = mistakes.find(({ id }) => id === SHOWN_FIRST) ?? mistakes[0] ?? null;
  const chooser = { changes: first?.lines ?? {}, mistake: first };
  const fields = lineFields(store, mistakes, first, (changes, mistake) => {
    Object.assign(chooser, { changes, mistake });
    onchange();
  });
  const words = element("div", { role: "status", class: "answer" });
  chooser.node = element("div", {}, fields, words);
  chooser.show = (passes) => {
    const said = wordsFor(store, chooser, passes);
    const text = said.map((node) => node.textContent).join();
    if (text !== words.textContent) words.replaceChildren(...said);
  };
  return chooser;
}

/** The list of mistakes, and a line to type; `set` is called with the lines and the mistake. */
function lineFields(store, mistakes, first, set) {
  const list = mistakeList(mistakes);
  const names = Object.keys(store.contents.lines).map((name) => element("option", {}, name));
  const value = element("select", { "aria-label": "The line of" }, names);
  const line = element("input", {
    type: "text", spellcheck: "false", autocomplete: "off", "aria-label": "The line, in NumPy",
  });
  const fill = () => {
    line.value = codeOf(store.contents.lines, !!store.given.l2)[value.value];
  };
  const display = (mistake) => {
    list.value = mistakes.indexOf(mistake);
    [value.value, line.value] = Object.entries(mistake.lines)[0];
  };
  const typed = () => {
    list.value = "";
    set({ [value.value]: line.value }, null);
  };
  const clear = () => {
    list.value = "";
    fill();
    set({}, null);
  };
  list.addEventListener("change", () => {
    const mistake = list.value === "" ? null : mistakes[Number(list.value)];
    if (!mistake) return clear();
    display(mistake);
    set(mistake.lines, mistake);
  });
  value.addEventListener("change", () => {
    fill();
    typed();
  });
  line.addEventListener("input", typed);
  if (first) display(first);
  else fill();
  return element(
    "div",
    { class: "row" },
    element("label", { hidden: !mistakes.length }, "Mistake ", list),
    element("label", {}, "or the line ", value),
    element("label", { class: "typed" }, "= ", line),
    button("Right lines", clear),
  );
}

/** The mistakes by equation. */
function mistakeList(mistakes) {
  const equations = [...new Set(mistakes.map((mistake) => mistake.equation))];
  const groups = equations.map((equation) =>
    element(
      "optgroup",
      { label: equation },
      mistakes.map((mistake, at) =>
        mistake.equation === equation ? element("option", { value: at }, mistake.message) : null),
    ),
  );
  const none = element("option", { value: "" }, "none");
  return element("select", { class: "mistake", "aria-label": "Mistake" }, none, groups);
}

/** The doctor's words for what was chosen or typed. */
function wordsFor({ contents, shapes }, { changes, mistake }, passes) {
  const [name] = Object.keys(changes);
  if (!name) return [element("p", {}, "All lines are the right ones.")];
  if (mistake) {
    const unseen = "On these numbers it makes no difference.";
    return [...messageNodes(mistake), ...(passes.first ? [] : [element("p", {}, unseen)])];
  }
  if (passes.errors[name]) return [element("p", {}, `${name}: ${passes.errors[name]}.`)];
  if (!passes.first) return [element("p", {}, "The line gives the numbers of the equation.")];
  const words = transpositionIn(passes, name, shapes) ?? knownAs(contents.mistakes, name, passes) ??
    `${name}: other numbers than the equation's.`;
  const right = element("code", {}, `${name} = ${passes.lines[name]}`);
  const other = name === "H1" ? " With another activation, dZ1 needs another derivative." : "";
  return [element("p", {}, `${words} Expected: `, right, `.${other}`)];
}

/** The doctor's words for a mistake that gives the same numbers; null if there is none. */
function knownAs(mistakes, name, passes) {
  const known = mistakes?.find((one) => givesTheSame(one, name, passes));
  return known ? `The same numbers as a mistake that the doctor knows. ${known.message}` : null;
}

/** Whether a mistake of this one line gives what was typed. */
function givesTheSame(mistake, name, { wrong }) {
  const [line, ...others] = Object.keys(mistake.lines);
  const isOfThisLine = line === name && !others.length;
  return isOfThisLine && isClose(resultOf(mistake.lines[name], wrong), wrong[name]);
}
