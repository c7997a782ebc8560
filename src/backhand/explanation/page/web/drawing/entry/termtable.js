// The table of an entry's terms. It is built once per entry; numbers are replaced in place.

import { cellName } from "../../state/cells.js";
import { button } from "../../parts/controls.js";
import { element } from "../../parts/dom.js";
import { shown } from "../../parts/numbers.js";

/** Returns {node, update}; `walk` is called with the cell of a number that is clicked. */
export function createTable(walk) {
  const head = element("thead", {});
  const body = element("tbody", {});
  const foot = element("tfoot", {});
  const node = element("table", { class: "term-table" }, head, body, foot);
  let lines = [];
  let form = "";

  function build(table) {
    const names = table.head.map((text) => element("th", { scope: "col" }, text));
    head.replaceChildren(element("tr", {}, names));
    lines = table.lines.map((line) => createLine(line, walk));
    body.replaceChildren(...lines.map((line) => line.node));
  }

  function total(table, found) {
    const width = table.head.length;
    if (!width || ONE_LINE.has(found.form)) return foot.replaceChildren();
    const others = table.others;
    const row = (label, value, kind) => {
      const title = element("th", { scope: "row", colspan: width - 1 }, label);
      return element("tr", { class: kind }, title, element("td", {}, shown(value)));
    };
    const rows = [row(cellName(found), found.value, "total")];
    if (others) rows.unshift(row(`${others.count} other terms, together`, others.sum, "others"));
    if (found.form === "softmax") rows.unshift(row("sum", found.sum, "others"));
    foot.replaceChildren(...rows);
  }

  return {
    node,
    update(table, found) {
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
  const names = lines.map(({ cells }) => cells.map((cell) => cell && cellName(cell)));
  return JSON.stringify([head, names]);
}

function createLine({ cells, plus }, walk) {
  const texts = cells.map(() => document.createTextNode(""));
  const columns = cells.map((cell, at) => {
    const kind = at ? "td" : "th";
    const content = cell ? button(texts[at], () => walk(cell), { class: "link" }) : texts[at];
    return element(kind, kind === "th" ? { scope: "row" } : {}, content);
  });
  const note = element("td", { class: "note" });
  const node = element("tr", { class: plus ? "plus" : null }, columns, note);
  return {
    node,
    update(line) {
      line.texts.forEach((text, at) => {
        if (texts[at].data !== text) texts[at].data = text;
        if (cells[at])
          texts[at].parentNode.setAttribute("aria-label", `${cellName(cells[at])} = ${text}`);
      });
      node.classList.toggle("out", Boolean(line.shut));
      node.classList.toggle("mark", Boolean(line.mark));
      if (note.textContent !== (line.note ?? "")) note.textContent = line.note ?? "";
    },
  };
}
