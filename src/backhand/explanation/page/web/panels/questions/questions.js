// Questions people ask (docs/questions.md), answered with the numbers of the page.

import { GRADIENT_ANSWERS } from "./answers_gradients.js";
import { NUMBER_ANSWERS } from "./answers_numbers.js";
import { SHAPE_ANSWERS } from "./answers_shapes.js";
import { TRAINING_ANSWERS } from "./answers_training.js";
import { cellLink } from "../../parts/cell_link.js";
import { element } from "../../parts/dom.js";
import { followed, liveNodes } from "../../parts/live.js";

const ANSWERS = [
  ...NUMBER_ANSWERS, ...SHAPE_ANSWERS, ...GRADIENT_ANSWERS, ...TRAINING_ANSWERS,
].sort((a, b) => a.number - b.number);

export const questionsPanel = {
  id: "questions",
  title: "Questions people ask",
  mount(section, store) {
    followed(section, store, (box) => build(box, store));
  },
};

/** The content; returns what brings it up to date. */
function build(box, store) {
  const questions = ANSWERS.map((answer) => question(store, answer));
  box.append(
    element(
      "p",
      { class: "quiet" },
      "The answers have the numbers of this page. A name such as dW1[3,7] is a button: it pins " +
        "the entry, and the drawing shows where it comes from.",
    ),
    ...questions.map(({ node }) => node),
  );
  return (what) => {
    if (what.has("numbers")) questions.forEach(({ update }) => update());
  };
}

/** A question that opens; its answer is built on opening, and follows the numbers while open. */
function question(store, { number, title, answer }) {
  const live = liveNodes();
  const node = element("details", {}, element("summary", {}, title));
  const update = () => node.open && live.update();
  let built = false;
  node.addEventListener("toggle", () => {
    if (node.open && !built) {
      node.append(...answer(tools(store, live)));
      built = true;
    }
    update();
  });
  node.dataset.question = number;
  return { node, update };
}

/** What answers are made of. */
function tools(store, live) {
  return {
    store,
    live,
    /** A text that follows the numbers; `read` gets all values. */
    text: (read) => live.text(() => read(store.values, store.given)),
    /** A button that pins the cell that `read` gives. */
    link: (read) => cellLink(store, live, () => read(store.values)),
  };
}
