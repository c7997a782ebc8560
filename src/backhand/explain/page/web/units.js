// Hidden units and their masks.

export const unitsPanel = {
  id: "units",
  title: "Hidden units and their masks",
  applies: () => false,
  mount(section, store) {},
};
