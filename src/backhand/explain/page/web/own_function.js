// Somebody's function beside the equations.

export const ownFunctionPanel = {
  id: "own-function",
  title: "Your function beside the equations",
  applies: () => false,
  mount(section, store) {},
};
