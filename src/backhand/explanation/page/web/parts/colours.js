// Colours of style.css for what CSS does not reach, such as a canvas.

/** A variable of the style sheet as the browser resolves it, light or dark: "rgb(0, 114, 178)". */
export function colour(node, variable) {
  const probe = document.createElement("span");
  probe.style.cssText = `display: none; color: var(${variable})`;
  node.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
