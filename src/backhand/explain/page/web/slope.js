// The gradient is the slope.

export const slopePanel = {
  id: "slope",
  title: "The gradient is the slope",
  applies: () => false,
  mount(section, store) {},
};
