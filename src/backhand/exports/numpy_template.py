"""The text of the exported NumPy file: its parts, as Python, and the values inserted into them.

A part is written to the file unchanged, except for names in capitals with a dollar sign. They are
replaced by whole numbers and by texts from Python's `repr`: whatever the name of a class or column,
it never becomes code.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pprint import pformat
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backhand.tables.cells.texts import equal_texts
from backhand.tables.schema.columns import CYCLES, Category, Column, Number

WIDTH = 88
"""Maximum characters of a wrapped line."""

OPENING = '''
"""A classifier that needs nothing but NumPy, written by Backhand $VERSION.

$D features, $H hidden units (ReLU), $K classes (softmax). In Python, with this file as `model.py`:

    from model import predict, predict_proba

and as a script, which prints a prediction for each row of a CSV file:

    python model.py data.csv
"""

$IMPORTS

import numpy as np

$CLASSES
'''

NETWORK = '''
def forward(X):
    """The network: P (N, K) of X (N, d), computed in $DTYPE."""
    Z1 = X @ W1 + b1
    H1 = np.maximum(0, Z1)
    S = H1 @ W2 + b2
    E = np.exp(S - S.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)
'''

ARRAYS = '''
def predict_proba(X):
    """P (N, K): the probability of each of CLASSES, for each row of X (N, $D), finite numbers."""
    X = np.asarray(X, dtype=np.$DTYPE)
    if X.ndim != 2 or X.shape[1] != $D:
        raise ValueError(f"X is {X.shape}; expected (N, $D)")
    if not np.isfinite(X).all():
        raise ValueError("X holds numbers that are not finite")
    return forward(X)


def predict(X):
    """The most probable class of each row of X (N, $D): an array (N,)."""
    return np.array(CLASSES)[predict_proba(X).argmax(axis=1)]
'''

TABLE = '''
def predict_proba(columns):
    """P (N, K): the probability of each of CLASSES, for each row of a table.

    columns is a dict (or a data frame) of the names in COLUMNS to sequences of one length. What is
    missing is None, nan or a value that is written as one of the texts in MISSING. In a column of
    numbers or dates, so is a text that is neither, and a number that is not finite.
    """
    return forward(encode(columns))


def predict(columns):
    """The most probable class of each row of a table: an array (N,)."""
    return np.array(CLASSES)[predict_proba(columns).argmax(axis=1)]


def encode(columns):
    """X (N, $D) float32, the input of the network, from a table's columns."""
    for column in COLUMNS:
        if column.name not in columns:
            raise ValueError(f"there is no column {column.name!r}")
    return np.concatenate([column.encode(columns[column.name]) for column in COLUMNS], axis=1)


def is_absent(value):
    """Whether there is no value: None, nan, pandas' NA and NaT, or a masked value."""
    return not isinstance(value, str) and str(value) in ("None", "nan", "NaN", "<NA>", "NaT", "--")


def is_missing(value):
    """Whether there is no value, or it is written as one of the texts in MISSING."""
    return is_absent(value) or respelled(value) in MISSING


def respelled(value):
    """A value as the text of a category: trimmed, true and false in lower case, 7 without .0."""
    text = str(value).strip(SPACES)
    if text.lower() in ("true", "false"):
        return text.lower()
    if type(value).__name__ == "Decimal":
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text[:-2] if re.fullmatch(r"$WHOLE", text, re.ASCII) else text
'''

NUMBERS = '''
class Number(NamedTuple):
    """Standardised and clipped at CLIP, or its place in each bin; missing is the mean."""

    name: str
    mean: float
    std: float
    missing: bool  # whether there is a last column that tells it
    decimal: str = "."  # the decimal sign of texts
    bins: tuple = ()  # their edges

    def encode(self, values):
        """The features of n values, (n, 1 and more)."""
        return self.features(self.read(values))

    def features(self, x):
        """The features of n numbers, nan where missing."""
        missing = np.isnan(x)
        x = np.where(missing, self.mean, x)
        start, length, low, high = self.mean, self.std, -CLIP, CLIP
        if self.bins:
            start, length = np.array(self.bins[:-1]), np.diff(self.bins)
            low, high = np.zeros(len(length)), np.ones(len(length))
            low[0], high[-1] = -1, 2  # the outer bins are linear beyond their edges too
        with np.errstate(over="ignore"):
            z = np.clip((x[:, None] - start) / length, low, high)
        return np.column_stack([z, missing] if self.missing else [z]).astype(np.float32)

    def read(self, values):
        """The values as numbers, nan where missing or not a finite number."""
        if isinstance(values, np.ma.MaskedArray):
            values = values.astype(object).filled(None)
        given = np.asarray(values)
        if given.dtype.kind in "iuf" and not any(re.match("-?[0-9]", text) for text in MISSING):
            x = given.astype(np.float64)
        else:
            # NumPy would turn a nan beside texts into a text.
            x = np.array([self.parse(value) for value in np.asarray(values, dtype=object)], float)
        plain = [text for text in MISSING if re.fullmatch(r"[+-]?[0-9]+([.][0-9]+)?", text)]
        named = np.isin(x, [float(text) for text in plain if isinstance(self, Number)])
        return np.where(np.isfinite(x) & ~named, x, np.nan)

    def parse(self, value):
        """One value as a number, nan where missing or not a number."""
        try:
            return np.nan if is_missing(value) else self.number(value)
        except (TypeError, ValueError, OverflowError):
            return np.nan

    def number(self, value):
        """One value that is not missing as a number; true is 1."""
        if not isinstance(value, str):
            return float(value)
        text = value.translate({44: ".", 46: ","}) if self.decimal == "," else value
        if plain := re.fullmatch(r"\\s*(?:\\+(?=-))?([0-9_.eE+-]+)\\s*", text, re.ASCII):
            return float(plain[1])
        text = text.strip(SPACES)
        if text.lower() in ("true", "false"):
            return float(text.lower() == "true")
        if not re.fullmatch(DRESSED, text):
            raise ValueError(value)
        x = float(re.sub(UNDRESSED, "", text))
        x = -x if MINUS in text or "(" in text else x
        return x / 100 if "%" in text else x


CURRENCY = (
$CURRENCY
)
NUMERAL = (
$NUMERAL
)
SPACE, MINUS = "[ \\u00a0\\u2009\\u202f]*", "\\u2212"
AMOUNT = f"(?:{CURRENCY}{SPACE})?{NUMERAL}(?:{SPACE}(?:{CURRENCY}|%))?"
DRESSED = (
    f"[+{MINUS}-]?{AMOUNT}|{CURRENCY}{SPACE}[+{MINUS}-]{NUMERAL}"
    f"|(?:{CURRENCY}{SPACE})?[(]{AMOUNT}[)]"
)
UNDRESSED = f"{CURRENCY}|[^0-9.eE+-]"
'''

DATES = '''
class Date(NamedTuple):
    """A date, a time or both: days since 1970, standardised, and its place in each cycle."""

    name: str
    mean: float
    std: float
    missing: bool  # whether there is a last column for it
    order: str  # of day and month in texts: dmy, mdy or not known
    cycles: tuple  # periods, in days

    read, parse = Number.read, Number.parse

    def encode(self, values):
        """The features (n, 1 and more) of n values."""
        x = self.read(values)
        z, *missing = Number(self.name, self.mean, self.std, self.missing).features(x).T
        places = [x / cycle - np.floor(x / cycle) for cycle in self.cycles]
        angles = [2 * np.pi * place + phase for place in places for phase in (0, np.pi / 2)]
        waves = [np.where(np.isnan(x), 0, np.sin(angle)) for angle in angles]
        return np.column_stack([z, *waves, *missing]).astype(np.float32)

    def number(self, value):
        """Days since 1970 of a text like 2020-01-31 12:00:00, an object of Python, or a number."""
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()
        if isinstance(value, str):
            text = value.strip(SPACES).lower()
            of_day = PATTERNS["TIME"].fullmatch(text)
            value = clock(text) if of_day else moment(text, self.order)
        if isinstance(value, time):
            value = datetime.combine(EPOCH, value)
        elif isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            return float(value)
        since = (value if value.tzinfo else value.replace(tzinfo=timezone.utc)) - EPOCH
        return since // MICROSECOND / 86400e6


def moment(text, order):
    """A text in lower case as a datetime: 2020-01-31, 31.1.2020 14:30, jan 31, 2020, 2:30 pm."""
    if not PATTERNS["ANY DATE" if order else "DATE"].fullmatch(text):
        raise ValueError(text)
    found = PATTERNS["PARTS"].fullmatch(text)
    first, second, third, hour, minutes, fraction, half, zone = found.groups("")
    if len(first) == 4 and first.isdigit():
        year, month, day = first, second, third
    elif not third:
        month, year, day = first, second, ""
    elif first.isalpha() or (order == "mdy" and second.isdigit()):
        month, day, year = first, second, third
    else:
        day, month, year = first, second, third
    if len(year) == 2:
        year = ("19" if year >= "69" else "20") + year
    if month.isalpha():
        month = MONTHS.index(month[:3]) // 3 + 1
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(zone[:1] + digits[:2]), minutes=int(zone[:1] + digits[2:]))
    of_day = time_of(hour, minutes, fraction, half) if hour else time()
    return datetime.combine(
        date(int(year), int(month or 1), int(day or 1)), of_day, timezone(offset)
    )


def clock(text):
    """A text in lower case such as 12:00, 12:00:30.25 or 2:30 pm as a time."""
    return time_of(*PATTERNS["TIME PARTS"].fullmatch(text).groups(""))


def time_of(hour, minutes, fraction, half):
    """A time of texts such as 2, :30:15, 25 and p."""
    hour = int(hour) % 12 + 12 * (half == "p") if half else int(hour)
    minute, second = (minutes + ":00:00").split(":")[1:3]
    return time(hour, int(minute), int(second), int(fraction[:6].ljust(6, "0")))


def expanded(pattern):
    """A pattern with the rules that it names put in."""
    while "<" in pattern:
        pattern = re.sub("<(.*?)>", lambda found: RULES[found[1]], pattern)
    return pattern


RULES = {
$RULES
}
PATTERNS = {name: re.compile(expanded(rule), re.ASCII) for name, rule in RULES.items()}
MONTHS = "$MONTHS"
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=timezone.utc), timedelta(microseconds=1)
'''

CATEGORIES = '''
class Category(NamedTuple):
    """One-hot: 1 in the column of the value."""

    name: str
    missing: bool  # whether a missing value has a column of its own, the last
    other: bool  # whether all other values share one, before it; else they are all zeros
    categories: tuple
    equal: dict = {}  # other spellings of them

    def encode(self, values):
        """The features (n, categories, and one each for other and missing) of n values."""
        if isinstance(values, np.ma.MaskedArray):
            values = values.astype(object).filled(None)
        places = {category: place for place, category in enumerate(self.categories)}
        X = np.zeros((len(values), len(places) + self.other + self.missing), np.float32)
        for row, value in enumerate(values):
            text = str(value) if str(value) in places else respelled(value)
            text = self.equal.get(text, text)
            if text in places and not is_absent(value):
                X[row, places[text]] = 1
            elif is_missing(value):
                X[row, X.shape[1] - 1 :] = self.missing
            else:
                X[row, len(places) : len(places) + 1] = self.other
        return X
'''

READ_TABLE = '''
def read_csv(path):
    """The columns of a CSV file whose first line names them: a dict of name to list of texts."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        heading = re.sub('"[^"]*"', "", file.readline())
        file.seek(0)
        names, *rows = [*csv.reader(file, delimiter=max(",;\\t|", key=heading.count))] or [[]]
    if not names:
        raise ValueError("expected a first line that names the columns")
    # An empty line is not a row, except with one column, whose value is missing then.
    rows = [row or [""] for row in rows if row or len(names) == 1]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise ValueError(f"row {number} has {len(row)} values for {len(names)} columns")
    names = [name.strip(SPACES) or f"column{i}" for i, name in enumerate(names, 1)]
    return dict(zip(names, zip(*rows, strict=True) if rows else [[] for _ in names], strict=True))
'''

READ_ARRAY = '''
def read_csv(path):
    """X (N, d) of a CSV file of numbers; a first line that is not numbers is a header."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    try:
        np.array(rows[:1], dtype=float)
    except ValueError:
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) != len(W1):
            raise ValueError(f"row {number} has {len(row)} values; expected {len(W1)} numbers")
    return np.array(rows, dtype=float).reshape(len(rows), len(W1))
'''

MAIN = '''
def main():
    """Print a class and the probabilities of all for each row of a CSV file, as CSV."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(f"usage: python {sys.argv[0]} DATA.csv")
    try:
        P = predict_proba(read_csv(sys.argv[1]))
    except (OSError, ValueError, csv.Error) as error:
        sys.exit(f"{sys.argv[1]}: {getattr(error, 'strerror', None) or error}")
    out = csv.writer(sys.stdout, lineterminator="\\n")
    names = [str(name).lower() if isinstance(name, bool) else name for name in CLASSES]
    try:
        out.writerow(["prediction", *(f"probability_{name}" for name in names)])
        for best, row in zip(P.argmax(axis=1), P, strict=True):
            out.writerow([names[best], *row])
        sys.stdout.flush()
    except OSError as error:
        # Python would flush again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # a closed pipe is not an error
            sys.exit(f"the predictions could not be written: {error.strerror}")
'''

COLUMNS = """
CLIP = $CLIP  # standard deviations from the mean
SPACES = (
$SPACES
)
$MISSING
COLUMNS = [
$COLUMNS
]
"""

PARAMETERS = '''
def parameter(shape, text):
    """An array, from its bytes ($DTYPE, the smallest first) as base64."""
    values = np.frombuffer(base64.b64decode(text), dtype="$BYTES")
    return values.reshape(shape).astype(np.$DTYPE)


$PARAMETERS

if __name__ == "__main__":
    main()
'''


def assembled(parts: Sequence[str], values: dict[str, Any]) -> str:
    """Return the parts, separated by two empty lines, with the values inserted."""
    # Only one substitution: the values themselves are not searched.
    text = "\n\n".join(f"{part.strip()}\n" for part in parts)
    return Template(text).substitute({name: str(value) for name, value in values.items()})


def imports(modules: Sequence[str], dates: bool, table: bool) -> str:
    """Return the import lines of modules, and of the base classes of a table's columns."""
    lines = [f"import {module}" for module in sorted(modules)]
    lines += ["from datetime import date, datetime, time, timedelta, timezone"] if dates else []
    lines += ["from typing import NamedTuple"] if table else []
    return "\n".join(lines)


def python_literal(value: Sequence[Any], begin: str = "", indent: int = 0) -> str:
    """Return `begin` and a list or tuple as Python code, on several lines if one is too long."""
    text = repr(value)
    if indent + len(begin) + len(text) <= WIDTH:
        return begin + text
    # No text contains a line end: repr has written it as \\n.
    lines = pformat(value, width=WIDTH - indent - 4, compact=True)[1:-1].split("\n")
    body = "\n".join(" " * (indent + 4) + line.strip() for line in lines)
    return f"{begin}{text[0]}\n{body}\n{' ' * indent}{text[-1]}"


def column(value: Column) -> str:
    """Return the code of one column in the list of columns."""
    if isinstance(value, Category):
        flags, equal = f"missing={bool(value.missing)}, other={bool(value.other)}", ""
        begin = f"Category({value.name!r}, {flags}, categories="
        if found := equal_texts(value.categories):
            equal = f", equal={found!r}"
        return f"    {python_literal(value.categories, begin, indent=4)}{equal}),"
    begin = f"{value.name!r}, mean={value.mean!r}, std={value.std!r}, missing={bool(value.missing)}"
    if isinstance(value, Number):
        decimal = ", decimal=','" if value.decimal == "," else ""
        if value.bins:
            edges = python_literal(value.bins, "bins=", indent=11)
            return f"    Number({begin}{decimal},\n           {edges}),"
        return f"    Number({begin}{decimal}),"
    cycles = tuple(CYCLES[cycle] for cycle in value.cycles)
    return f"    Date({begin},\n         order={value.order!r}, cycles={cycles}),"


def rule(name: str, pattern: str) -> str:
    """Return the code of one rule of dates."""
    if len(pattern) < WIDTH - 20:
        return f'    "{name}": r"{pattern}",'
    # Where a rule is too long for a line, it has alternatives.
    parts = "".join(f'        r"{part}"\n' for part in _lines(pattern))
    return f'    "{name}": (\n{parts}    ),'


def _lines(pattern: str) -> list[str]:
    """Return a pattern in pieces that fit on a line each, cut after |."""
    lines = [""]
    for part in re.split(r"(?<=[|])", pattern):
        if len(lines[-1] + part) > WIDTH - 12:
            lines.append("")
        lines[-1] += part
    return lines


def pieces(text: str) -> str:
    """Return a long text as Python code, as texts on several lines that are joined."""
    lines = [""]
    for character in text:
        if len(repr(lines[-1] + character)) > WIDTH - 4:
            lines.append("")
        lines[-1] += character
    return "\n".join(f"    {line!r}" for line in lines)


def parameter(name: str, values: NDArray[Any]) -> str:
    """Return the code of one of W1, b1, W2, b2: its shape and its bytes."""
    little = values.astype(values.dtype.newbyteorder("<"))
    text = base64.b64encode(np.ascontiguousarray(little).tobytes()).decode()
    lines = "\n".join(text[start : start + WIDTH] for start in range(0, len(text), WIDTH))
    shape = ", ".join(map(str, values.shape)) + ("," if values.ndim == 1 else "")
    return f'{name} = parameter(({shape}), """\n{lines}\n""")'
