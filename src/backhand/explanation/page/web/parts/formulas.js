// The equations as MathML: of whole matrices, and of one entry.

const MATHML = "http://www.w3.org/1998/Math/MathML";

/** The equation of a value. `problem`: {mask, l2, sample_weight}, what the terms depend on. */
export function formula(name, problem = {}) {
  return math(`${name} = ${RIGHT[name](problem)}`);
}

/** The right-hand side alone. */
export function rightSide(name, problem = {}) {
  return math(RIGHT[name](problem));
}

/** The equation of one entry: dW1[i,h] = Σ_n X[n,i] dZ1[n,h]. */
export function entryFormula(name, problem = {}) {
  return math(ENTRIES[name](problem));
}

const dropped = ({ mask }) => (mask ? " ⊙ M" : "");
const decayed = (W) => ({ l2 }) => (l2 ? ` + λ ${W}` : "");
const share = ({ sample_weight }) => (sample_weight ? "w" : "/ N");
const penalty = ({ l2 }) => (l2 ? " + (λ/2) (‖W1‖² + ‖W2‖²)" : "");

/** Σ_n is a sum over n; Xᵀ a transpose; names are words, indices single letters. */
const RIGHT = {
  w: (p) => (p.sample_weight ? "s / Σ s" : "1/N"),
  Z1: () => "X W1 + b1",
  H1: (p) => `max(0, Z1)${dropped(p)}`,
  S: () => "H1 W2 + b2",
  P: () => "softmax(S)",
  losses: () => "−Σ_k Y log P",
  L: (p) => `Σ_n w losses${penalty(p)}`,
  dS: (p) => `(P − Y) ${share(p)}`,
  dW2: (p) => `H1ᵀ dS${decayed("W2")(p)}`,
  db2: () => "Σ_n dS",
  dH1: () => "dS W2ᵀ",
  dZ1: (p) => `dH1 ⊙ (Z1 > 0)${dropped(p)}`,
  dW1: (p) => `Xᵀ dZ1${decayed("W1")(p)}`,
  db1: () => "Σ_n dZ1",
  "new W1": () => "W1 − η dW1",
  "new b1": () => "b1 − η db1",
  "new W2": () => "W2 − η dW2",
  "new b2": () => "b2 − η db2",
};

const ENTRIES = {
  Z1: () => "Z1[n,h] = Σ_i X[n,i] W1[i,h] + b1[h]",
  H1: (p) => `H1[n,h] = max(0, Z1[n,h])${p.mask ? " M[n,h]" : ""}`,
  S: () => "S[n,k] = Σ_h H1[n,h] W2[h,k] + b2[k]",
  P: () => "P[n,k] = exp(S[n,k]) / Σ_k exp(S[n,k])",
  losses: () => "losses[n] = −Σ_k Y[n,k] log P[n,k]",
  L: (p) => `L = Σ_n w[n] losses[n]${penalty(p)}`,
  dS: () => "dS[n,k] = (P[n,k] − Y[n,k]) w[n]",
  dW2: (p) => `dW2[h,k] = Σ_n H1[n,h] dS[n,k]${p.l2 ? " + λ W2[h,k]" : ""}`,
  db2: () => "db2[k] = Σ_n dS[n,k]",
  dH1: () => "dH1[n,h] = Σ_k dS[n,k] W2[h,k]",
  dZ1: (p) => `dZ1[n,h] = dH1[n,h] (Z1[n,h] > 0)${p.mask ? " M[n,h]" : ""}`,
  dW1: (p) => `dW1[i,h] = Σ_n X[n,i] dZ1[n,h]${p.l2 ? " + λ W1[i,h]" : ""}`,
  db1: () => "db1[h] = Σ_n dZ1[n,h]",
  "new W1": () => "new W1[i,h] = W1[i,h] − η dW1[i,h]",
  "new b1": () => "new b1[h] = b1[h] − η db1[h]",
  "new W2": () => "new W2[h,k] = W2[h,k] − η dW2[h,k]",
  "new b2": () => "new b2[k] = b2[k] − η db2[k]",
};

/** MathML of the notation above; useful for any other formula in it. */
export function math(text) {
  const node = tag("math", parsed(text));
  node.setAttribute("aria-label", text.replaceAll("_", " "));
  node.setAttribute("role", "math");
  return node;
}

const TOKEN = /\s*(−?Σ_[a-z]|new [Wb][12]|[A-Za-zληθε][A-Za-z0-9]*ᵀ?|\d+|\S²?)/gu;

function parsed(text) {
  const tokens = [...text.matchAll(TOKEN)].map((found) => found[1]);
  // Factors side by side are a product, which would read as one word without a space.
  return tokens.flatMap((token, at) =>
    isProduct(tokens[at - 1], token) ? [space(), piece(token)] : [piece(token)],
  );
}

const isProduct = (left, right) =>
  (isName(left) || left === "]" || left === ")" || left === "log" || left?.endsWith("²")) &&
  (isName(right) || right === "log" || (right === "(" && !FUNCTIONS.has(left)));

const isName = (token) => /^[A-Za-zληθε]/u.test(token ?? "") && !FUNCTIONS.has(token);
const FUNCTIONS = new Set(["max", "exp", "log", "softmax"]);

function piece(token) {
  if (token.startsWith("Σ_")) return tag("munder", [operator("∑"), tag("mi", token.slice(2))]);
  if (token === "−Σ_k") return tag("mrow", [sign(), piece("Σ_k")]);
  if (/^\d/u.test(token)) return tag("mn", token);
  if (isName(token) || FUNCTIONS.has(token)) return name(token);
  return operator(token === "Σ" ? "∑" : token);
}

/** Names of arrays are upright, as in code; indices and settings are in italics. */
function name(token) {
  return /^[a-vx-zλη]$/u.test(token) || token === "N" ? tag("mi", token) : upright(token);
}

function upright(token) {
  const node = tag("mi", token);
  node.setAttribute("mathvariant", "normal");
  return node;
}

function operator(token) {
  const node = tag("mo", token);
  if (/^[()[\]‖]/u.test(token)) node.setAttribute("stretchy", "false");
  if (token.startsWith("‖"))
    for (const side of ["lspace", "rspace"]) node.setAttribute(side, "0");
  return node;
}

/** A minus sign in front of a sum, close to it. */
function sign() {
  const node = operator("−");
  node.setAttribute("form", "prefix");
  node.setAttribute("rspace", "0");
  return node;
}

function space() {
  const node = tag("mspace", []);
  node.setAttribute("width", "0.22em");
  return node;
}

function tag(kind, content) {
  const node = document.createElementNS(MATHML, kind);
  node.append(...[content].flat());
  return node;
}
