// Softmax and cross-entropy: why P − Y.

export const softmaxPanel = {
  id: "softmax",
  title: "Softmax and cross-entropy: why P − Y",
  applies: () => false,
  mount(section, store) {},
};
