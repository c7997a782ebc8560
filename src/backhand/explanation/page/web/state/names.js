// Names of rows, features, units and classes: those of the problem, or numbers.

/** Characters of a name; columns of a data frame may be called by whole sentences. */
const LONGEST = 32;

/** The name of a row, feature or class, in full; "" where it is only numbered. */
export function fullName({ contents }, letter, place) {
  const given = { n: "rows", i: "features", k: "classes" }[letter];
  return contents.problem[given]?.[place] ?? "";
}

/** The same, cut where it is long. */
export function ownName(store, letter, place) {
  return cut(fullName(store, letter, place));
}

function cut(name) {
  const characters = [...name];
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join("")}…` : name;
}

/** A number of the drawing, with the name beside it where there is one. */
export function withName(numbered, own) {
  return own ? `${numbered} (${own})` : numbered;
}

/** Names along each axis, by its letter, cut where they are long. */
export function namesOf(problem, given) {
  const [N, d] = given.X.shape;
  const [H, K] = given.W2.shape;
  const numbered = (count, word) => Array.from({ length: count }, (_, at) => `${word} ${at}`);
  const or = (names, count, word) =>
    names.length === count ? names.map(cut) : numbered(count, word);
  // Rows have names only where they are some of more: "row 0 (row 160 of the table)".
  const rows = numbered(N, "row").map((row, at) => withName(row, cut(problem.rows[at] ?? "")));
  return {
    n: rows,
    i: or(problem.features, d, "feature"),
    h: numbered(H, "unit"),
    k: or(problem.classes, K, "class"),
  };
}
