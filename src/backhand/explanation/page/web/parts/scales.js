// Axes: from a number to its place, and the numbers that are written beside an axis.

/** A function from [low, high] to [from, to]; by logarithms if `log`. */
export function scale({ low, high, log = false }, from, to) {
  const of = log ? Math.log10 : (value) => value;
  const start = of(low);
  const span = of(high) - start || 1;
  return (value) => from + ((of(value) - start) / span) * (to - from);
}

/** The number at a place: the inverse of `scale`, and no further than the ends. */
export function placed({ low, high, log = false }, from, to) {
  const [start, end] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  return (place) => {
    const share = Math.max(0, Math.min(1, (place - from) / (to - from)));
    const value = start + share * (end - start);
    return log ? 10 ** value : value;
  };
}

/** About `count` round numbers from low to high; powers of ten if `log`. */
export function ticks({ low, high, log = false }, count = 5) {
  if (log) return powersOfTen(Math.ceil(Math.log10(low) - 1e-9), Math.log10(high) + 1e-9, count);
  const step = roundUp((high - low) / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  if (!(last - first < 100)) return [];
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  // 3 * 0.1 is 0.30000000000000004; an axis says 0.3.
  return Array.from({ length: last - first + 1 }, (_, at) =>
    Number(((first + at) * step).toFixed(Math.min(digits + 1, 100))),
  );
}

function powersOfTen(first, last, count) {
  const every = Math.max(1, Math.ceil((last - first) / count));
  const powers = [];
  for (let power = first; power <= last; power += every) powers.push(10 ** power);
  return powers;
}

/** The least of some round numbers (times a power of ten) that is not below a positive number. */
function roundUp(value, rounds = [1, 2, 5, 10]) {
  if (!(value > 0) || !Number.isFinite(value)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return rounds.map((factor) => factor * power).find((round) => round >= value * (1 - 1e-9));
}

/** An end for an axis from 0 on: nearer to the number than `roundUp`, and rarely changed. */
export function axisEnd(value) {
  return roundUp(value, [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]);
}

/** The least and the greatest finite number of some, or null if there is none. */
export function extent(numbers) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of numbers) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? { low, high } : null;
}
