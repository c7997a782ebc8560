// Train.

export const trainingPanel = {
  id: "training",
  title: "Train",
  applies: () => false,
  mount(section, store) {},
};
