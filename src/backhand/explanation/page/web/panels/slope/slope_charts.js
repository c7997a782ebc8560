// L along one number with its tangent; and the error of the difference by ε.

import { chart } from "../../parts/chart.js";
import { extent } from "../../parts/scales.js";
import { apart, lossAlong } from "../../mathematics/slopes.js";

const POINTS = 41;
const MOST_KINKS = 30;
const EPSILONS = Array.from({ length: 25 }, (_, at) => 10 ** (at / 2 - 12));
const LEAST = 1e-16;

/** L within `reach` of the start: `{node, draw(found)}`. Dragged, it moves the value. */
export function alongChart(store, onvalue) {
  const plot = chart({
    x: "value", y: "L − L(θ)", curves: ["tangent", "sides", "secant", "loss"],
    marks: ["below", "above", "now"], height: 260, ondrag: onvalue,
  });
  const draw = ({ cell, at, start, reach, gradient, slope, kinks, isKink, epsilon }) => {
    // Relative to L(θ): close to θ, the axis would have the same digits everywhere.
    const along = lossAlong(store.given, cell);
    const here = along(0);
    const L = (by) => along(by) - here;
    const [low, high] = [start - reach, start + reach];
    const near = kinks.map(({ by }) => at + by).filter((place) => place > low && place < high);
    const corners = near.slice(0, MOST_KINKS);
    const places = [...evenly(low, high), ...corners].sort((one, other) => one - other);
    const losses = places.map((place) => L(place - at));
    const [below, above] = [L(-epsilon), L(epsilon)];
    const ends = extent(losses) ?? { low: 0, high: 1 };
    const space = 0.1 * (ends.high - ends.low) || 1e-3;
    plot.draw({
      x: { low, high },
      y: { low: ends.low - space, high: ends.high + space },
      curves: {
        loss: [places, losses],
        tangent: [[low, high], [(low - at) * gradient, (high - at) * gradient]],
        sides: isKink
          ? [[low, at, high], [(low - at) * slope.left, 0, (high - at) * slope.right]]
          : [[], []],
        secant: [[at - epsilon, at + epsilon], [below, above]],
      },
      marks: { now: [at, 0], below: [at - epsilon, below], above: [at + epsilon, above] },
      verticals: corners,
      label: `L by the value of ${cell.name}[${cell.index}], with its tangent; ` +
        `${corners.length} kinks in the part that is shown.`,
    });
  };
  return { node: plot.node, draw };
}

/** The relative difference by ε, on logarithmic axes: `{node, draw(found)}`. */
export function errorChart(store) {
  const plot = chart({
    x: "ε", y: "relative difference", curves: ["loss"], marks: ["now"], height: 260,
  });
  const draw = ({ cell, at, gradient, difference, epsilon }) => {
    const L = lossAlong(store.given, cell);
    const errors = EPSILONS.map((by) => {
      const run = at + by - (at - by); // 2ε, as rounded
      return run ? Math.max(apart(gradient, (L(by) - L(-by)) / run), LEAST) : NaN;
    });
    plot.draw({
      x: { low: EPSILONS[0], high: EPSILONS.at(-1), log: true },
      y: { low: LEAST, high: 10, log: true },
      curves: { loss: [EPSILONS, errors] },
      marks: { now: [epsilon, Math.max(difference, LEAST)] },
      label: "The relative difference by ε: rounding on the left, curvature or kinks on the right.",
    });
  };
  return { node: plot.node, draw };
}

function evenly(low, high) {
  return Array.from({ length: POINTS }, (_, at) => low + ((high - low) * at) / (POINTS - 1));
}
