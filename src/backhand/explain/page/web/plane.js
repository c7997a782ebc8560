// The plane of two features.

export const planePanel = {
  id: "plane",
  title: "The plane of two features",
  applies: () => false,
  mount(section, store) {},
};
