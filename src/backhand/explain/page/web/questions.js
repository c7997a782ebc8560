// Questions people ask, answered with the numbers of the page.

export const questionsPanel = {
  id: "questions",
  title: "Questions people ask",
  applies: () => false,
  mount(section, store) {},
};
