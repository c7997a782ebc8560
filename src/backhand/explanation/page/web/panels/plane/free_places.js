// Where texts find room: boxes {x, y, width, height} in pixels, x and y their middle.

/** The first of some boxes that overlaps none of those that are taken; else the first of all. */
export function freeBox(boxes, taken) {
  return boxes.find((box) => !taken.some((other) => overlap(box, other))) ?? boxes[0];
}

function overlap(one, other) {
  return (
    2 * Math.abs(one.x - other.x) < one.width + other.width &&
    2 * Math.abs(one.y - other.y) < one.height + other.height
  );
}
