// By hand and by autograd.

export const autogradPanel = {
  id: "autograd",
  title: "By hand and by autograd",
  applies: () => false,
  mount(section, store) {},
};
