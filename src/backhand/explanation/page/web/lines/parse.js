// A line such as "H1.T @ dS + l2 * W2" as a tree: Python's expressions, as far as NumPy needs them.
//
// Nodes: {kind: "number", value}, {kind: "name", name}, {kind: "tuple", items},
// {kind: "unary", operator, of}, {kind: "binary", operator, left, right},
// {kind: "attribute", of, name}, {kind: "call", of, positional, keywords},
// {kind: "index", of, items}, {kind: "slice", start, stop, step}; each with `at`, its place.

/** What is wrong with a line; `at` is the place of the character, counted from 0. */
export class LineError extends Error {
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

/** What a line may be: far more than anyone writes, and far less than the browser's stack takes. */
const MOST_CHARACTERS = 1000;
const DEEPEST = 100;

const NUMBER = String.raw`(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const NAME = String.raw`[\p{L}_][\p{L}\d_]*`;
const SIGN = String.raw`\*\*|\/\/|[=!<>]=|[\-+*\/@%&\|~<>=\(\)\[\],:.]`;
const TOKEN = new RegExp(String.raw`\s*(?:(${NUMBER})|(${NAME})|(${SIGN}))`, "iuy");

/** Signs that a reader may copy from the page's formulas, as Python writes them. */
const WRITTEN = { "−": "-", "⊙": "*", "·": "*", "×": "*", "ᵀ": ".T", "≤": "<=", "≥": ">=" };

/** From the loosest to the tightest; all group from the left. */
const LEVELS = [
  ["==", "!=", "<", "<=", ">", ">="],
  ["|"],
  ["&"],
  ["+", "-"],
  ["*", "/", "@", "//", "%"],
];

/** The tree of a line; "dS = (P - Y) / N  # scaled" is the tree of what is between = and #. */
export function parse(code) {
  if (code.length > MOST_CHARACTERS)
    throw new LineError(
      `a line has at most ${MOST_CHARACTERS} characters; this one has ${code.length}`, 0);
  const text = code.replace(/#.*/su, "").replace(/[−⊙·×ᵀ≤≥]/gu, (sign) => WRITTEN[sign]);
  const tokens = tokensOf(text);
  if (tokens[0].type === "name" && tokens[1]?.text === "=") tokens.splice(0, 2);
  const parser = new Parser(tokens);
  const tree = parser.expression();
  const rest = parser.next;
  if (rest.type !== "end") throw new LineError(`“${rest.text}” was not expected here`, rest.at);
  return tree;
}

function tokensOf(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim()) {
    const at = TOKEN.lastIndex + text.slice(TOKEN.lastIndex).search(/\S/);
    const found = TOKEN.exec(text);
    if (!found) throw new LineError(`“${text[at]}” is no sign of a line`, at);
    const [, number, name, sign] = found;
    const type = number ? "number" : name ? "name" : "sign";
    tokens.push({ type, text: number ?? name ?? sign, at });
  }
  tokens.push({ type: "end", text: "the end", at: text.length });
  return tokens;
}

class Parser {
  constructor(tokens) {
    this.tokens = tokens;
    this.place = 0;
    this.depth = 0;
  }

  get next() {
    return this.tokens[this.place];
  }

  isNext(...signs) {
    return this.next.type === "sign" && signs.includes(this.next.text);
  }

  take() {
    return this.tokens[this.place++];
  }

  expect(sign) {
    if (this.isNext(sign)) return this.take();
    const { text, type, at } = this.next;
    const found = type === "end" ? "the line ends" : `“${text}” was found`;
    throw new LineError(`“${sign}” was expected; ${found}`, at);
  }

  expression(level = 0) {
    if (level === LEVELS.length) return this.unary();
    let left = this.expression(level + 1);
    while (this.isNext(...LEVELS[level])) {
      const { text: operator, at } = this.take();
      left = { kind: "binary", operator, left, right: this.expression(level + 1), at };
    }
    return left;
  }

  /** All that is nested comes through here: signs, powers, and what is in brackets. */
  unary() {
    this.depth += 1;
    if (this.depth > DEEPEST)
      throw new LineError(`brackets and signs are nested more than ${DEEPEST} deep`, this.next.at);
    const found = this.isNext("-", "+", "~") ? this.signed() : this.power();
    this.depth -= 1;
    return found;
  }

  signed() {
    const { text: operator, at } = this.take();
    return { kind: "unary", operator, of: this.unary(), at };
  }

  power() {
    const base = this.postfix();
    if (!this.isNext("**")) return base;
    const { text: operator, at } = this.take();
    return { kind: "binary", operator, left: base, right: this.unary(), at };
  }

  postfix() {
    let found = this.atom();
    while (this.isNext(".", "(", "[")) {
      const { text, at } = this.take();
      if (text === ".") found = { kind: "attribute", of: found, name: this.name(), at };
      else if (text === "(") found = { kind: "call", of: found, ...this.callArguments(), at };
      else found = { kind: "index", of: found, items: this.items("]", () => this.item()), at };
    }
    return found;
  }

  atom() {
    const { type, text, at } = this.take();
    if (type === "number") return { kind: "number", value: Number(text), at };
    if (type === "name") return { kind: "name", name: text, at };
    if (text === "(") return this.bracketed(at);
    this.place -= 1;
    const what = type === "end" ? "the line ends" : `“${text}” was found`;
    throw new LineError(`a value was expected; ${what}`, at);
  }

  /** (a), or the tuple (a, b). */
  bracketed(at) {
    const first = this.expression();
    if (!this.isNext(",")) {
      this.expect(")");
      return first;
    }
    this.take();
    return { kind: "tuple", items: [first, ...this.items(")", () => this.expression())], at };
  }

  name() {
    const { type, text, at } = this.take();
    if (type !== "name") throw new LineError("a name was expected after the dot", at);
    return text;
  }

  /** What is between commas, up to a closing bracket. */
  items(end, one) {
    const found = [];
    while (!this.isNext(end)) {
      found.push(one());
      if (!this.isNext(end)) this.expect(",");
    }
    this.take();
    return found;
  }

  callArguments() {
    const given = this.items(")", () => {
      const isKeyword = this.next.type === "name" && this.tokens[this.place + 1].text === "=";
      if (!isKeyword) return [null, this.expression()];
      const { text } = this.take();
      this.take();
      return [text, this.expression()];
    });
    return {
      positional: given.filter(([name]) => !name).map(([, value]) => value),
      keywords: Object.fromEntries(given.filter(([name]) => name)),
    };
  }

  /** An index, or start:stop:step. */
  item() {
    const { at } = this.next;
    const bound = () => (this.isNext(":", ",", "]") ? null : this.expression());
    const start = bound();
    if (!this.isNext(":")) return start ?? this.atom();
    this.take();
    const stop = bound();
    const step = this.isNext(":") ? (this.take(), bound()) : null;
    return { kind: "slice", start, stop, step, at };
  }
}
