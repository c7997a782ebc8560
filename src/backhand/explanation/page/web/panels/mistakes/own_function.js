// Somebody's function beside the equations: what the doctor found, and the values of one call.

import { comparison } from "./comparison.js";
import { element } from "../../parts/dom.js";
import { codeOf } from "../../lines/lines.js";
import { fromJson } from "../../mathematics/matrix.js";
import { pairOfCurves } from "./pair_of_curves.js";

export const ownFunctionPanel = {
  id: "own-function",
  title: "Your function beside the equations",
  applies: ({ contents }) => !!contents.own_function,
  mount(section, store) {
    const own = store.contents.own_function;
    const passes = passesOf(own, store);
    const compared = comparison(own.compared.map((one) => one.name), ["expected", "got"]);
    compared.show(passes);
    section.append(
      element("p", {}, element("code", {}, own.name), `: ${own.outcome}. ${own.frame}`),
      ...own.findings.map(finding),
      ...own.remarks.map((remark) => element("p", { class: "quiet" }, `Remark: ${remark}`)),
      element("p", {}, whereItParts(own)),
      compared.node,
    );
    if (canBeTrained(own, passes)) addCurves(section, store, passes);
  },
};

/** The values of the function as the wrong pass, as `judged` of passes.js returns them. */
function passesOf(own, store) {
  const names = own.compared.map((one) => one.name);
  const byName = (read) => Object.fromEntries(own.compared.map((one) => [one.name, read(one)]));
  const standard = codeOf(store.contents.lines, !!store.given.l2);
  const lines = { ...standard, ...own.right_lines };
  const computed = own.lines ? { ...standard, ...own.lines } : {};
  const changed = Object.entries(computed).filter(([name, code]) => code !== lines[name]);
  return {
    right: byName((one) => fromJson(one.expected)),
    wrong: byName((one) => fromJson(one.got)),
    states: byName((one) => (one.alike ? "equal" : one.inherited ? "inherited" : "wrong")),
    first: names.find((name) => name === own.parts_at) ?? null,
    errors: {},
    lines,
    changes: Object.fromEntries(changed),
    given: { ...store.given, sample_weight: null, mask: null },
  };
}

/** A finding in the doctor's words. */
function finding({ equation, mistake, suggestion, written, right }) {
  const code = (label, text) =>
    text ? element("p", {}, `${label} `, element("code", {}, text)) : null;
  const opening = mistake.startsWith(equation) ? mistake : `${equation}: ${mistake}`;
  return element(
    "div",
    { class: "finding" },
    element("p", {}, element("strong", {}, opening)),
    code("expected", right),
    code("the same numbers as", written),
    suggestion ? element("p", {}, withCode(suggestion)) : null,
  );
}

/** What is between backticks is code. */
function withCode(text) {
  return text.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));
}

function whereItParts(own) {
  if (!own.parts_at) return "Every value is as expected.";
  const other = own.standard
    ? ""
    : " Expected are the values of the network that the function computes; the drawing above is " +
      "of the standard one.";
  const start = `On the doctor's problem “${own.problem}” the numbers first differ at `;
  return `${start}${own.parts_at}.${other}`;
}

/** Both runs need the standard network, and lines for all that the function computes. */
function canBeTrained(own, { changes }) {
  return own.standard && own.lines !== null && Object.keys(changes).length > 0;
}

function addCurves(section, store, passes) {
  const curves = pairOfCurves(store);
  section.append(curves.node);
  curves.draw(passes);
}
