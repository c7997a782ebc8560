// On paper, nothing can be unfolded.

/** Unfold all of a page before it is printed, and fold it again afterwards; returns how to end. */
export function unfoldForPrint(root) {
  let folded = [];
  const unfold = () => {
    folded = [...root.querySelectorAll("details:not([open])")];
    for (const one of folded) {
      one.open = true;
      one.dispatchEvent(new Event("toggle")); // the browser's own comes after the page is printed
    }
  };
  const fold = () => folded.forEach((one) => (one.open = false));
  addEventListener("beforeprint", unfold);
  addEventListener("afterprint", fold);
  return () => {
    removeEventListener("beforeprint", unfold);
    removeEventListener("afterprint", fold);
  };
}
