// Wrong lines.

export const mistakesPanel = {
  id: "mistakes",
  title: "Wrong lines",
  applies: () => false,
  mount(section, store) {},
};
