// The table of an entry's terms. It is built once per entry; numbers are replaced in place.

import { cellName } from "./cells.js";
import { element } from "./dom.js";
import { shown } from "./numbers.js";

/** Returns {node, update}; `walk` is called with the cell of a number that is clicked. */
export function createTable(walk) {
  const head = element("thead", {});
  const body = element("tbody", {});
  const foot = element("tfoot", {});
  const node = element("table", { class: "term-table" }, head, body, foot);
  let lines = [];
  let form = "";

  function build(table) {
    head.replaceChildren(element("tr", {}, table.head.map((text) => element("th", { scope: "col" }, text))));
    lines = table.lines.map((line) => createLine(line, walk));
    body.replaceChildren(...lines.map((line) => line.node));
  }

  function total(table, found) {
    const width = table.head.length;
    if (!width || ONE_LINE.has(found.form)) return foot.replaceChildren();
    const others = table.others;
    const row = (label, value, kind) =>
      element("tr", { class: kind }, element("th", { scope: "row", colspan: width - 1 }, label), element("td", {}, value));
    foot.replaceChildren(
      ...(found.form === "softmax" ? [row("sum", shown(found.sum), "others")] : []),
      ...(others ? [row(`${others.count} other terms, together`, shown(others.sum), "others")] : []),
      row(cellName(found), shown(found.value), "total"),
    );
  }

  return {
    node,
    update(table, found) {
      node.hidden = !table.head.length;
      const now = formOf(table);
      if (now !== form) build(table);
      form = now;
      table.lines.forEach((line, at) => lines[at].update(line));
      total(table, found);
    },
  };
}

/** Forms whose one line ends with the entry. */
const ONE_LINE = new Set(["relu", "gate", "difference", "step"]);

/** What a table's elements depend on: its columns, and which entries its numbers are. */
function formOf({ head, lines }) {
  return JSON.stringify([head, lines.map(({ cells }) => cells.map((cell) => cell && cellName(cell)))]);
}

function createLine({ cells, plus }, walk) {
  const texts = cells.map(() => document.createTextNode(""));
  const columns = cells.map((cell, at) => {
    const kind = at ? "td" : "th";
    const content = cell ? element("button", { class: "link", type: "button", onclick: () => walk(cell) }, texts[at]) : texts[at];
    return element(kind, kind === "th" ? { scope: "row" } : {}, content);
  });
  const note = element("td", { class: "note" });
  const node = element("tr", { class: plus ? "plus" : null }, columns, note);
  return {
    node,
    update(line) {
      line.texts.forEach((text, at) => {
        if (texts[at].data !== text) texts[at].data = text;
        const button = cells[at] && texts[at].parentNode;
        if (button) button.setAttribute("aria-label", `${cellName(cells[at])} = ${text}`);
      });
      node.classList.toggle("out", Boolean(line.shut));
      node.classList.toggle("mark", Boolean(line.mark));
      if (note.textContent !== (line.note ?? "")) note.textContent = line.note ?? "";
    },
  };
}
