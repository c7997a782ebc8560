// Which part of each axis is drawn: one window per axis, shared by all matrices, so that edges of
// equal length stay equal.

/** Most places of an axis that are drawn, on a drawing that is wide enough for all of them. */
const MOST = { n: 12, i: 12, h: 16, k: 10 };

/** Where the whole axis does not fit: as many as leave room for the other matrices. */
const PART = { n: 10, i: 8, h: 10, k: 6 };

/**
 * @param sizes {n, i, h, k}: the length of each axis
 *
 * `from[letter]` and `count[letter]` are the window; `move` calls the listeners.
 */
export function createWindows(sizes) {
  const listeners = new Set();
  const count = {};
  for (const letter of Object.keys(sizes))
    count[letter] = sizes[letter] <= MOST[letter] ? sizes[letter] : PART[letter];

  const windows = {
    sizes,
    count,
    from: Object.fromEntries(Object.keys(sizes).map((letter) => [letter, 0])),
    subscribe(listener) {
      listeners.add(listener);
    },
    /** The axes of which a part is drawn. */
    partial: Object.keys(sizes).filter((letter) => count[letter] < sizes[letter]),
    has(letter, place) {
      return place >= windows.from[letter] && place < windows.from[letter] + count[letter];
    },
    move(letter, from) {
      const bounded = Math.max(0, Math.min(from, sizes[letter] - count[letter]));
      if (bounded === windows.from[letter]) return;
      windows.from[letter] = bounded;
      listeners.forEach((listener) => listener());
    },
    /** Move the windows so that a cell is drawn; letters are those of its indices. */
    show(letters, index) {
      [...letters].forEach((letter, axis) => {
        if (windows.has(letter, index[axis])) return;
        windows.move(letter, index[axis] - Math.floor(count[letter] / 2));
      });
    },
  };
  return windows;
}
