// A step of gradient descent, looked at before it is taken.

import { compute, loss, PARAMETERS } from "../../mathematics/equations.js";
import { shown } from "../../parts/numbers.js";

/** L after a step with learning rate η from where the parameters are. */
export function lossAfter({ given, values }, eta) {
  const isPlanned = eta === given.learning_rate; // the step is among the values
  const gradients = Object.fromEntries(
    PARAMETERS.map((name) => [`d${name}`, () => values[`d${name}`]]),
  );
  const at = isPlanned ? values : compute({ ...given, learning_rate: eta }, gradients);
  const after = { ...given };
  for (const name of PARAMETERS) after[name] = at[`new ${name}`];
  return loss(after);
}

/** ‖g‖²: the sum of the squares of all entries of the four gradients. */
function squaredNorm(values) {
  let sum = 0;
  for (const name of PARAMETERS) {
    const { data } = values[`d${name}`];
    for (let at = 0; at < data.length; at++) sum += data[at] * data[at];
  }
  return sum;
}

/** The next step: L now and after, and its change to first order, −η‖g‖². */
export function nextStep(store) {
  const eta = store.given.learning_rate;
  const now = store.values.L.data[0];
  const norm = squaredNorm(store.values);
  const after = lossAfter(store, eta);
  return { eta, now, after, norm, predicted: -eta * norm, change: after - now };
}

/** What a step does to the loss, in words. */
export function verdict({ now, after, predicted, change }) {
  if (!Number.isFinite(after)) return "L is no longer a finite number: η is far too large.";
  if (predicted === 0) return "The step changes nothing: η or every gradient is 0.";
  if (Math.abs(predicted) < 1e-13 * Math.abs(now)) return "The change is as small as rounding.";
  if (change > 0) return "▲ L rises: the step is too long for the slope at its start to hold.";
  if (change === 0) return "L stays as it is.";
  const share = change / predicted;
  const amount = `▼ L falls, by ${shown(100 * share, 3)} % of what the formula predicts`;
  if (share > 1.01) return `${amount}: along the step, L bends down.`;
  if (share > 0.99) return `${amount}: so short a step follows the slope.`;
  return `${amount}: along the step, L bends up.`;
}
