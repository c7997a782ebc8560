"""Draw the network, the graph and the shapes as SVG, for slides and for the lesson.

    python docs/drawings/draw.py

The pictures have no background, and colours of middle lightness: they can be put on a light slide
or a dark one. The sizes are those of the lesson: N, d, H, K = 6, 4, 5, 3.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
N, d, H, K = 6, 4, 5, 3
SIZES = {"N": N, "d": d, "H": H, "K": K}

INK, LINE, FORWARD, BACKWARD = "#7d7d7d", "#9a9a9a", "#3f7fbf", "#c8641b"
"""Text and outlines, thin lines, the forward pass, the backward pass; 4 : 1 on white and black."""


def text(
    x: float, y: float, words: str, size: float = 15, *, colour: str = INK, anchor: str = "middle",
    weight: str = "normal",
) -> str:  # fmt: skip
    """Words, with their middle (or start, or end) at a place."""
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{escaped(words)}</text>')  # fmt: skip


def escaped(words: str) -> str:
    """The words as XML holds them."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(
    x1: float, y1: float, x2: float, y2: float, colour: str = LINE, width: float = 1, end: str = ""
) -> str:
    """A line, with an arrow's head at its end if `end` is "forward" or "backward"."""
    marker = f' marker-end="url(#{end})"' if end else ""
    return (f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" '
            f'stroke-width="{width:g}"{marker}/>')  # fmt: skip


def circle(x: float, y: float, r: float, colour: str = INK) -> str:
    """A circle without a filling."""
    return (f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="none" stroke="{colour}" '
            f'stroke-width="1.5"/>')  # fmt: skip


def box(x: float, y: float, width: float, height: float, colour: str, *, corner: float = 5) -> str:
    """A rectangle without a filling."""
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{corner:g}" '
            f'fill="none" stroke="{colour}" stroke-width="1.5"/>')  # fmt: skip


def picture(width: int, height: int, title: str, shapes: Iterable[str]) -> str:
    """A whole SVG file."""
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker>'
        for name, colour in (("forward", FORWARD), ("backward", BACKWARD))
    )
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="Helvetica, Arial, sans-serif" role="img">',
        f"<title>{escaped(title)}</title>", f"<defs>{heads}</defs>", *shapes, "</svg>\n",
    ])  # fmt: skip


def network() -> str:
    """Features, hidden units and classes as circles, weights as lines; W1[2,3] stands out."""
    columns = {"X": (130, d), "H1": (380, H), "S": (630, K)}
    places = {name: [(x, 190 + 64 * (i - (count - 1) / 2)) for i in range(count)]
              for name, (x, count) in columns.items()}  # fmt: skip
    shapes = []
    for left, right in (("X", "H1"), ("H1", "S")):
        for i, (x1, y1) in enumerate(places[left]):
            for h, (x2, y2) in enumerate(places[right]):
                if (left, i, h) != ("X", 2, 3):
                    shapes.append(line(x1 + 20, y1, x2 - 20, y2))
    (x1, y1), (x2, y2) = places["X"][2], places["H1"][3]
    shapes.append(line(x1 + 20, y1, x2 - 20, y2, FORWARD, 3))
    for name, circles in places.items():
        for number, (x, y) in enumerate(circles):
            shapes += [circle(x, y, 20), *inside(name, number, x, y)]
    shapes += [
        text(255, 372, "W1 (d, H)", weight="bold"), text(255, 393, "20 weights"),
        text(505, 372, "W2 (H, K)", weight="bold"), text(505, 393, "15 weights"),
        text(259, (y1 + y2) / 2 - 9, "W1[2,3]", 14, colour=FORWARD, weight="bold"),
    ]  # fmt: skip
    for x, top, below in ((130, "d = 4 features", "X"), (380, "H = 5 hidden units", "Z1, H1, b1"),
                          (630, "K = 3 classes", "S, P, b2")):  # fmt: skip
        shapes += [text(x, 16, top, 16, weight="bold"), text(x, 372, below)]
    for x, y, words in zip([712] * K, [y for _, y in places["S"]],
                           ["Adelie", "Chinstrap", "Gentoo"], strict=True):  # fmt: skip
        shapes.append(text(x - 55, y + 5, words, 14, anchor="start"))
    for (x, y), words in zip(places["X"], ["bill length", "bill depth", "flipper", "weight"],
                             strict=True):  # fmt: skip
        shapes.append(text(x - 28, y + 5, words, 14, anchor="end"))
    return picture(760, 405, "The network: 4 features, 5 hidden units with ReLU, 3 classes", shapes)


def inside(name: str, number: int, x: float, y: float) -> list[str]:
    """What is in a circle: the bend of the ReLU, or the index."""
    if name != "H1":
        return [text(x, y + 5, str(number), 14)]
    return [f'<path d="M{x - 11:g} {y + 6:g} H{x:g} L{x + 10:g} {y - 8:g}" fill="none" '
            f'stroke="{INK}" stroke-width="2"/>']  # fmt: skip


STEPS = [("X", 50), ("Z1", 210), ("H1", 370), ("S", 530), ("P", 690), ("L", 850)]
EQUATIONS = {"Z1": "X W1 + b1", "H1": "max(0, Z1)", "S": "H1 W2 + b2", "P": "softmax(S)",
             "L": "mean of −log P[true]"}  # fmt: skip
GRADIENTS = {"dZ1": "dH1 ⊙ 1[Z1 > 0]", "dH1": "dS W2ᵀ", "dS": "(P − Y) / N", "dW1": "Xᵀ dZ1",
             "db1": "Σₙ dZ1", "dW2": "H1ᵀ dS", "db2": "Σₙ dS"}  # fmt: skip
READS = {"dZ1": "dH1, Z1", "dH1": "dS, W2", "dS": "P, Y", "dW1": "X, dZ1", "db1": "dZ1",
         "dW2": "H1, dS", "db2": "dS"}  # fmt: skip


def graph(*, formulas: bool) -> str:
    """The graph of the forward pass, and below it that of the backward pass.

    With `formulas`, each gradient has its equation; without, what it reads.
    """
    x = dict(STEPS)
    shapes = [text(50, 20, "forward", 17, colour=FORWARD, weight="bold"),
              text(50, 276, "backward", 17, colour=BACKWARD, weight="bold")]  # fmt: skip
    for (left, x1), (_, x2) in pairwise(STEPS):
        start = x1 + 34
        shapes.append(line(start, 150, x2 - 36, 150, FORWARD, 2, "forward"))
        shapes.append(node(left, x1, 150, FORWARD))
    shapes += [node("L", 850, 150, FORWARD), node("Y", 850, 60, INK),
               line(850, 80, 850, 128, FORWARD, 2, "forward")]  # fmt: skip
    for name, equation in EQUATIONS.items():
        shapes.append(text(x[name], 190, equation, 13))
    for of, names in (("Z1", ("W1", "b1")), ("S", ("W2", "b2"))):
        for name, place in zip(names, (x[of] - 38, x[of] + 38), strict=True):
            near = x[of] + (place - x[of]) / 4
            shapes += [node(name, place, 60, INK),
                       line(place, 80, near, 127, FORWARD, 2, "forward")]  # fmt: skip
    notes = GRADIENTS if formulas else {name: f"from {reads}" for name, reads in READS.items()}
    shapes.append(f'<path d="M850 208 V270 H568" fill="none" stroke="{BACKWARD}" stroke-width="2" '
                  f'marker-end="url(#backward)"/>')  # fmt: skip
    for left, right in (("Z1", "H1"), ("H1", "S")):
        shapes.append(line(x[right] - 34, 270, x[left] + 36, 270, BACKWARD, 2, "backward"))
    for name in ("Z1", "H1", "S"):
        shapes += [node(f"d{name}", x[name], 270, BACKWARD),
                   text(x[name], 240, notes[f"d{name}"], 13)]  # fmt: skip
    for of, names in (("Z1", ("dW1", "db1")), ("S", ("dW2", "db2"))):
        for name, place in zip(names, (x[of] - 45, x[of] + 45), strict=True):
            near = x[of] + (place - x[of]) / 4
            shapes += [node(name, place, 360, BACKWARD), text(place, 398, notes[name], 13),
                       line(near, 290, place, 338, BACKWARD, 2, "backward")]  # fmt: skip
    title = "The graph: forward from X through Z1, H1, S and P to L; backward from L through dS, "
    return picture(930, 410, title + "dH1 and dZ1, with dW2, db2, dW1 and db1 beside them", shapes)


def node(name: str, x: float, y: float, colour: str) -> str:
    """A value as a box with its name."""
    return box(x - 32, y - 20, 64, 40, colour) + text(x, y + 6, name, 17, weight="bold")


PRODUCTS = [
    ("Z1", ("N", "H"), "X", ("N", "d"), "W1", ("d", "H"), FORWARD),
    ("S", ("N", "K"), "H1", ("N", "H"), "W2", ("H", "K"), FORWARD),
    ("dW2", ("H", "K"), "H1ᵀ", ("H", "N"), "dS", ("N", "K"), BACKWARD),
    ("dH1", ("N", "H"), "dS", ("N", "K"), "W2ᵀ", ("K", "H"), BACKWARD),
    ("dW1", ("d", "H"), "Xᵀ", ("d", "N"), "dZ1", ("N", "H"), BACKWARD),
]
"""Result, its shape, the factors and theirs."""


def shapes_of_products() -> str:
    """Each matrix product to scale: inner edges are equal, and the result has the outer ones."""
    cell, y = 17, 0.0
    shapes: list[str] = []
    for number, (result, outer, left, of_left, right, of_right, colour) in enumerate(PRODUCTS):
        if number in (0, 2):
            heading = "backward" if number else "forward"
            shapes.append(
                text(20, y + 20, heading, 17, colour=colour, weight="bold", anchor="start")
            )
            y += 50
        tall = max(SIZES[of_left[0]], SIZES[of_right[0]]) * cell
        middle, inner = y + tall / 2, of_left[1]
        for name, shape, x in ((left, of_left, 60), (right, of_right, 240), (result, outer, 420)):
            shapes += matrix(name, shape, x, middle, cell, colour, inner)
        shapes += [
            text(195, middle + 8, "·", 30, weight="bold"),
            text(375, middle + 7, "=", 24),
            text(550, middle + 5, f"sum over {MEANINGS[inner]}", anchor="start"),
        ]
        y += tall + 52
    names = ", ".join(f"{left} {right} = {result}" for result, _, left, _, right, *_ in PRODUCTS)
    return picture(770, int(y) - 20, f"The matrix products, to scale: {names}", shapes)


MEANINGS = {"N": "rows (N)", "d": "features (d)", "H": "hidden units (H)", "K": "classes (K)"}


def matrix(
    name: str, shape: tuple[str, str], x: float, middle: float, cell: float, colour: str, inner: str
) -> list[str]:
    """A matrix as cells: its name below, a letter at two edges, the inner edge bold."""
    rows, columns = SIZES[shape[0]], SIZES[shape[1]]
    width, height = columns * cell, rows * cell
    y = middle - height / 2
    weights = ["bold" if letter == inner else "normal" for letter in shape]
    shapes = [line(x + i * cell, y, x + i * cell, y + height, LINE, 0.6) for i in range(1, columns)]
    shapes += [line(x, y + i * cell, x + width, y + i * cell, LINE, 0.6) for i in range(1, rows)]
    shapes += [box(x, y, width, height, colour, corner=0),
               text(x - 12, middle + 5, shape[0], 14, weight=weights[0]),
               text(x + width / 2, y - 6, shape[1], 14, weight=weights[1]),
               text(x + width / 2, y + height + 17, name, 15, weight="bold")]  # fmt: skip
    if shape[0] == inner:
        shapes.append(line(x, y, x, y + height, colour, 4))
    if shape[1] == inner:
        shapes.append(line(x, y, x + width, y, colour, 4))
    return shapes


PICTURES = {
    "network.svg": network,
    "graph.svg": lambda: graph(formulas=False),
    "graph-formulas.svg": lambda: graph(formulas=True),
    "shapes.svg": shapes_of_products,
}


def main() -> None:
    """Write all pictures beside this file."""
    for name, draw in PICTURES.items():
        (HERE / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
