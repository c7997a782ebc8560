// One equation after the other: up to which the values are shown.

/** The equations in the derivation's order; the update of all four parameters is one stage. */
export const STAGES = [
  "Z1", "H1", "S", "P", "losses", "L",
  "dS", "dW2", "db2", "dH1", "dZ1", "dW1", "db1",
  "new b2",
];

/** Whether a value is computed at the store's stage; what is given always is. */
export function isShown(store, name) {
  if (store.stage === null || !store.rules[name]) return true;
  const order = Object.keys(store.rules);
  return order.indexOf(name) <= order.indexOf(store.stage);
}

/** The arrays that a stage computes. */
export function namesAt(stage) {
  return stage === "new b2" ? ["new W1", "new b1", "new W2", "new b2"] : [stage];
}
