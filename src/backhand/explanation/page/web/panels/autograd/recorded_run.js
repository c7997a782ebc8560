// The reference run: what was recorded of it, and the same run computed here.

import { compute, PARAMETERS } from "../../mathematics/equations.js";
import { array, fromJson } from "../../mathematics/matrix.js";
import { rowsRight } from "../../mathematics/predictions.js";

const FRAME = 12; // milliseconds of steps in one frame

/** The recorded run, decoded: {given, starts: [{name, params, byHand, autograd}], versions}. */
export function decodedRun({ X, y, learning_rate, starts, versions }) {
  const decodedStarts = starts.map((start) => ({
    name: start.name,
    params: Object.fromEntries(
      PARAMETERS.map((name) => [name, fromJson(start.params[name])]),
    ),
    byHand: decodedCurve(start.by_hand),
    autograd: decodedCurve(start.autograd),
  }));
  const classes = decodedStarts[0].params.b2.data.length;
  const given = {
    X: fromJson(X), Y: oneHot(y, classes), sample_weight: null, mask: null, l2: 0, learning_rate,
  };
  return { given, starts: decodedStarts, versions };
}

function decodedCurve({ loss, accuracy }) {
  return { loss: fromJson(loss).data, accuracy: fromJson(accuracy).data };
}

function oneHot(y, classes) {
  const Y = array([y.length, classes]);
  y.forEach((k, row) => (Y.data[row * classes + k] = 1));
  return Y;
}

/**
 * Train from a start, a few steps per frame: {loss, accuracy, stop()}, which fill with the values
 * before each step. `onprogress` is called after each frame.
 */
export function trainedHere({ given }, { params, byHand }, onprogress) {
  const run = { loss: [], accuracy: [], stop: () => (run.isStopped = true), isStopped: false };
  const rows = given.X.shape[0];
  let now = { ...given, ...params };
  const frame = () => {
    if (run.isStopped) return;
    const began = performance.now();
    do {
      const values = compute(now);
      run.loss.push(values.L.data[0]);
      run.accuracy.push(rowsRight({ given: now, values }) / rows);
      for (const name of PARAMETERS) now = { ...now, [name]: values[`new ${name}`] };
    } while (run.loss.length < byHand.loss.length && performance.now() - began < FRAME);
    onprogress(run);
    if (run.loss.length < byHand.loss.length) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return run;
}

/** The largest relative difference of the losses of two ways, as far as both go. */
export function largestApart(one, other) {
  const steps = Math.min(one.length, other.length);
  let largest = 0;
  for (let at = 0; at < steps; at++)
    largest = Math.max(largest, Math.abs(one[at] - other[at]) / Math.abs(other[at]));
  return largest;
}
