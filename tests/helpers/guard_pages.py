"""Arguments set by hand, in arrays that end where reading on is a fault, through every public way.

    cd tests; python -m helpers.guard_pages --count 100000

Each call is drawn from its seed: a right one, with one or two of its arguments made wrong, or odd.
It has to end in an error of Backhand's (of an estimator, in a ValueError), or in the numbers that
the equations give. Whatever reads or writes beyond an array kills the process; so calls are made by
children, and the seed of the call that killed one is told.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import faulthandler
import json
import mmap
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

import backhand
from backhand import equations
from backhand.engines import Block, Data, Objective, OptimizerState, make_engine
from backhand.equations import Parameters
from backhand.errors import BackhandError
from backhand.optimizers import OPTIMIZERS, make_optimizer

PAGE = mmap.PAGESIZE
NUMBERS = [0, 1, -1, 2, 7, 2**31, 2**40, 2**62, -(2**63), 10**30, 1.5, float("nan"), float("inf"),
           "7", None, True]  # fmt: skip
DTYPES = ["f2", "f4", "f8", ">f4", ">f8", "g", "i1", "i4", "i8", "u8", "?", "c8", "O", "U3",
          "M8[s]"]  # fmt: skip
PER_CHILD = 2000
TESTS = Path(__file__).parent.parent

_libc = ctypes.CDLL(None, use_errno=True)


def guarded(array: np.ndarray, *, at_end: bool = True) -> np.ndarray:
    """A copy that ends (or begins) at the border of pages that cannot be read or written."""
    room = max(1, -(-array.nbytes // PAGE)) * PAGE
    memory = mmap.mmap(-1, room + 2 * PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for page in (address, address + PAGE + room):
        if _libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    begin = PAGE + (room - array.nbytes if at_end else 0)
    placed = np.frombuffer(memory, array.dtype, array.size, begin).reshape(array.shape)
    placed[...] = array
    return placed


class Call:
    """One call: arguments that are right, and what is done to them.

    Attributes
    ----------
    right : bool
        Whether nothing has been done to them: then there is no reason to refuse them.
    finite : bool
        Whether no number was made nan or infinite, of which engines may make nan or what is left.
    """

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.right, self.finite = rng.random() < 0.1, True
        self.dtype = np.dtype(rng.choice([np.float32, np.float64]))
        self.N = N = int(rng.choice([1, 2, 17, 33, 128, 257, 300]))
        self.d, self.H = d, H = int(rng.integers(1, 20)), int(rng.integers(1, 20))
        self.K = K = int(rng.integers(2, 5))
        self.params = Parameters(*(self._normal(s) for s in ((d, H), H, (H, K), K)))
        self.selected = rng.random() < 0.4
        M = int(rng.integers(1, 400)) if self.selected else N
        X = rng.standard_normal((M, d)).astype(self.dtype)
        self.sparse = rng.random() < 0.3
        if self.sparse:
            X *= rng.random((M, d)) < 0.4
            X = scipy.sparse.csr_array(X)
        w = rng.random(M).astype(self.dtype) + 0.1 if rng.random() < 0.4 else None
        numbers = rng.integers(0, M, N).astype(rng.choice([np.int32, np.int64]))
        self.data = Data(X, rng.integers(0, K, M), w, numbers if self.selected else None)

    def _normal(self, shape: Any) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(self.dtype)

    # What is done to arguments.

    def odd(self, array: np.ndarray) -> Any:
        """The array with another shape, dtype or layout, other numbers, or something else."""
        rng = self.rng
        match int(rng.integers(9)):
            case 0:
                shape = list(array.shape)
                axis = int(rng.integers(len(shape))) if shape else 0
                if shape:
                    shape[axis] = int(rng.choice([0, 1, shape[axis] + 1, max(0, shape[axis] - 1),
                                                  10 * shape[axis]]))  # fmt: skip
                return np.resize(array, shape) if array.size else np.zeros(shape, array.dtype)
            case 1:
                return array.T.copy() if array.ndim > 1 else array[None]
            case 2:
                return array[..., None] if rng.random() < 0.5 else array.ravel()
            case 3 | 4:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    return array.astype(rng.choice(DTYPES))
            case 5:
                return [array.tolist(), None, 3, "W", array.ravel()[:1], (array,)][rng.integers(6)]
            case 6:
                wide = np.repeat(array, 2, axis=-1)
                return [wide[..., ::2], array[::-1][::-1], np.asfortranarray(array), array[::-1],
                        np.broadcast_to(array[:1], array.shape)][rng.integers(5)]  # fmt: skip
            case 7:
                return self.unaligned(array)
        changed = array.copy()
        if changed.size:
            numbers = np.array([0, -1, self.K, self.N, 2**31 - 1, 2**62, -(2**63)])
            if changed.dtype.kind == "f":
                numbers = np.array([np.nan, np.inf, -1, 0, 100])
            changed.flat[rng.integers(changed.size)] = rng.choice(numbers.astype(changed.dtype))
            self.finite = self.finite and bool(np.isfinite(changed).all())
        return changed

    def unaligned(self, array: np.ndarray) -> np.ndarray:
        raw = np.zeros(array.nbytes + 1, np.uint8)
        moved = raw[1:].view(array.dtype).reshape(array.shape)
        moved[...] = array
        return moved

    def placed(self, value: Any) -> Any:
        """Arrays of numbers that are whole in memory, moved before or behind guard pages."""
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" \
                and value.flags.c_contiguous and value.flags.aligned:  # fmt: skip
            return guarded(value, at_end=self.rng.random() < 0.8)
        return value

    def odd_params(self, params: Parameters) -> Any:
        name = self.rng.choice(Parameters._fields)
        changed = params._replace(**{name: self.odd(getattr(params, name))})
        return tuple(changed) if self.rng.random() < 0.03 else changed

    def odd_data(self) -> Any:
        X, y, w, numbers = self.data
        which = self.rng.integers(4 if self.selected else 3)
        if which == 0:
            return Data(self.odd_sparse(X) if self.sparse else self.odd(X), y, w, numbers)
        if which == 1:
            return Data(X, self.odd(y), w, numbers)
        if which == 2:
            w = np.ones(len(y), self.dtype) if w is None else w
            return Data(X, y, self.odd(w), numbers)
        return Data(X, y, w, self.odd(numbers))

    def odd_sparse(self, X: Any) -> Any:
        rng, X = self.rng, copy.copy(X)
        if rng.random() < 0.1:
            return [X.tocsc(), X.tocoo(), X.tobsr(), X.astype(int)][rng.integers(4)]
        name = rng.choice(["indptr", "indices", "data"])
        setattr(X, name, self.odd(getattr(X, name)))
        return X

    def block(self, *, right: bool) -> Block:
        rng, N = self.rng, self.N
        E, size = int(rng.integers(1, 4)), int(rng.integers(1, N + 1))
        B = -(-N // size)
        rates, l2 = rng.random((E, B)) / 100, np.full((E, B), rng.random() / 100)
        order = np.stack([rng.permutation(N) for _ in range(E)]) if rng.random() < 0.6 else None
        made: dict[str, Any] = {
            "batch_size": size,
            "learning_rate": rates,
            "l2": l2,
            "order": order,
            "validated": rng.random(E) < 0.5 if rng.random() < 0.5 else None,
        }
        if not right:
            name = rng.choice([*made])
            is_array = isinstance(made.get(name), np.ndarray) and rng.random() < 0.9
            made[name] = self.odd(made[name]) if is_array else NUMBERS[rng.integers(len(NUMBERS))]
        for name in ("learning_rate", "l2", "order", "validated"):
            made[name] = self.placed(made[name])
        return Block(**made)

    def objective(self, *, right: bool) -> Objective:
        rng = self.rng
        made: dict[str, Any] = {"l2": rng.random() / 100, "alpha": rng.random() / 100,
                                "dropout": float(rng.choice([0, 0.3])),
                                "first_class_fixed": bool(rng.random() < 0.3)}  # fmt: skip
        if not right:
            name = rng.choice([*made, "dropout_seed", "loss_cap"])
            made[name] = NUMBERS[rng.integers(len(NUMBERS))]
        return Objective(**made)

    def rows(self, *, right: bool) -> Any:
        """Rows of a gradient: all, a slice, or row numbers, some of them more than once."""
        rng, N = self.rng, self.N
        start = int(rng.integers(N))
        rows = [None, slice(start, None), slice(None, None, -1), rng.integers(0, N, 2 * N)][
            rng.integers(4)
        ]
        if right:
            return rows
        return self.odd(rng.integers(0, N, N)) if rng.random() < 0.7 else slice(N, start)

    def state(self, slots: int, *, right: bool) -> Any:
        rng = self.rng
        sets = [Parameters(*(np.abs(v) / 10 for v in self.params)) for _ in range(slots)]
        for of_class in (part for one in sets for part in (one.W2.T, one.b2)):
            of_class[0] = 0  # of a class that is held, nothing is remembered
        updates: Any = int(rng.integers(0, 1000))
        if not right:
            match int(rng.integers(4)):
                case 0:
                    sets = [*sets, *sets[:1]] if rng.random() < 0.5 else sets[1:]
                case 1:
                    updates = NUMBERS[rng.integers(len(NUMBERS))]
                case 2 if sets:
                    sets[-1] = self.odd_params(sets[-1])
                case _:
                    return [
                        None,
                        (),
                        OptimizerState(self.params, 5, 0),
                        OptimizerState(None, tuple(sets), 0),
                        OptimizerState(self.odd_params(self.params), tuple(sets), 0),
                    ][rng.integers(5)]
        placed = tuple(Parameters(*map(self.placed, s)) if isinstance(s, Parameters) else s
                       for s in sets)  # fmt: skip
        return OptimizerState(self.params, placed, updates)

    # The ways in.

    def make(self) -> tuple[str, Any, Any]:
        """Make the call: the way it took, what it gave, and what the equations give."""
        params, data = self.params, self.data
        ways = [self.predict, self.loss, self.evaluate, self.run, self.train, self.estimator]
        way = ways[self.rng.integers(len(ways))]
        if way in (self.predict, self.loss, self.evaluate) and not self.right:
            params = self.odd_params(params) if self.rng.random() < 0.5 else params
            data = self.odd_data() if params is self.params or self.rng.random() < 0.2 else data
        if isinstance(params, Parameters):
            params = Parameters(*map(self.placed, params))
        X = data.X
        if scipy.sparse.issparse(X):
            X = copy.copy(X)
            for name in ("indptr", "indices", "data"):
                if hasattr(X, name):
                    setattr(X, name, self.placed(getattr(X, name)))
        data = Data(self.placed(X), *map(self.placed, data[1:]))
        return way.__name__, *way(params, data)

    def predict(self, params: Any, data: Data) -> tuple[Any, Any]:
        P = make_engine("fused", threads=2).predict_proba(params, data.X)
        return P, equations.forward(_plain(params), _dense(data.X)).P

    def loss(self, params: Any, data: Data) -> tuple[Any, Any]:
        loss, grads = make_engine("fused", threads=2).loss_and_gradients(params, data)
        data = data.at(slice(None))
        theta, X = _plain(params), _dense(data.X)
        acts = equations.forward(theta, X)
        right = equations.backward(theta, X, data.y, acts, data.sample_weight)
        return (loss, *grads), (
            equations.cross_entropy(acts.S, data.y, data.sample_weight), *right)  # fmt: skip

    def evaluate(self, params: Any, data: Data) -> tuple[Any, Any]:
        S = None
        found = make_engine("fused", threads=2).evaluate(params, data)
        data = data.at(slice(None))
        S = equations.forward(_plain(params), _dense(data.X)).S
        return found, (equations.cross_entropy(S, data.y, data.sample_weight),
                       equations.accuracy(S, data.y, data.sample_weight))  # fmt: skip

    def run(self, params: Any, data: Data) -> tuple[Any, Any]:
        """Start, advance, gradient, apply: one of them with what is not right."""
        what = int(self.rng.integers(7)) if not self.right else -1
        rule: Any = make_optimizer(str(self.rng.choice(list(OPTIMIZERS))))
        state = self.state(rule.slots, right=what != 0)
        block, rows = self.block(right=what != 1), self.placed(self.rows(right=what != 5))
        objective = self.objective(right=what != 2)
        if what == 0:  # memory of a class that is fixed, which no training makes, may move it
            objective = replace(objective, first_class_fixed=False)
            state = state._replace(params=params) if isinstance(state, OptimizerState) else state
        if what == 3:
            rule = _Rule(rule.name, int(self.rng.integers(3)))
        if what == 4:
            data = self.odd_data()
        held = self.right or self.rng.random() < 0.9
        gradient = Parameters(*map(self.placed, params))
        if what == 6:
            gradient = self.odd_params(gradient)
        found = []
        for engine in (make_engine("fused", threads=2), make_engine("reference")):
            with np.errstate(all="ignore"):
                run = engine.start(state, data, rule, objective, data if held else None)
                metrics = run.advance(block)
                measured = map(np.nan_to_num, metrics[2:])
                found.append([*metrics[:2], *measured, run.gradient(rows, 0.1)[0],
                              *run.evaluate(data)])  # fmt: skip
                run.apply(gradient, 1e-3)
                found[-1] += [run.gradient(rows)[0]]
        if self.dtype == np.float32:  # where a kink may fall either way
            found = [numbers[0][:1] for numbers in found]
        return tuple(found)

    def train(self, params: Any, data: Data) -> tuple[Any, Any]:
        rule, rng = str(self.rng.choice(list(OPTIMIZERS))), self.rng
        slots = make_optimizer(rule).slots
        X = data.X if not self.sparse else data.X.toarray()
        what = int(rng.integers(3)) if not self.right else -1
        if what == 0:
            params = self.odd_params(self.params)
        if what == 1:
            changed = self.odd_data()
            X, data = changed.X, changed
        state = self.state(slots, right=what != 2) if what == 2 or rng.random() < 0.5 else None
        found = [
            backhand.train(params, X, data.y, sample_weight=data.sample_weight, epochs=2,
                           batch_size=8, optimizer=rule, learning_rate=0.001, state=state,
                           engine=name).history.loss
            for name in ("fused", "reference")
        ]  # fmt: skip
        if self.dtype == np.float32 or what == 0:  # odd weights may make of a rounding anything
            found = [losses[:1] for losses in found]
        return tuple(found)

    def estimator(self, params: Any, data: Data) -> tuple[Any, Any]:
        """Weights, classes or a number of features set on a fitted classifier."""
        clf = backhand.MLPClassifier((self.H,), max_iter=1, random_state=0, threads=2)
        y = np.append(np.arange(self.K), data.y)
        X = scipy.sparse.vstack if self.sparse else np.concatenate
        rows = self._normal((self.K, self.d))
        X = X([scipy.sparse.csr_array(rows) if self.sparse else rows, data.X])
        X = X.tocsr() if self.sparse else X
        clf.partial_fit(X, y, classes=np.arange(self.K))
        W1, b1, W2, b2 = params
        clf.coefs_, clf.intercepts_ = [W1, W2], [b1, b2]
        if not self.right:
            match int(self.rng.integers(6)):
                case 0:
                    clf.classes_ = np.arange(int(self.rng.integers(0, 6)))
                case 1:
                    clf.n_features_in_ = int(self.rng.integers(0, 20))
                case 2 | 3:
                    clf.coefs_[self.rng.integers(2)] = self.placed(
                        self.odd(self.params[2 * self.rng.integers(2)]))  # fmt: skip
                case 4:
                    clf.intercepts_[self.rng.integers(2)] = self.placed(
                        self.odd(self.params[1 + 2 * self.rng.integers(2)]))  # fmt: skip
                case _:
                    clf.coefs_, clf.intercepts_ = [W1, W2[:, :1].copy()], [b1, b2[:1].copy()]
        if self.rng.random() < 0.4:
            clf.partial_fit(X, y)
        P = clf.predict_proba(X)
        # The arrays, after training, are those of the classifier itself.
        return P, equations.forward(_plain(clf.parameters_), _dense(X).astype(float)).P


class _Rule:
    """An optimizer of somebody else's, that says it is one of ours."""

    def __init__(self, name: str, slots: int) -> None:
        self.name, self.slots = name, slots
        self.beta_1 = self.beta_2 = self.momentum = 0.5
        self.epsilon = 1e-8


def _plain(params: Any) -> Parameters:
    return Parameters(*(np.array(v, np.float64) for v in params))


def _dense(X: Any) -> Any:
    return X.toarray() if scipy.sparse.issparse(X) else np.asarray(X)


def outcome(seed: int) -> str:
    """Make a call: "refused" or "right", with its way; AssertionError for anything else."""
    call, way = Call(seed), ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            way, found, expected = call.make()
        except (BackhandError, ValueError) as error:
            ours = isinstance(error, BackhandError) or "estimator" in _ways_of(error)
            assert ours, f"seed {seed}: {type(error).__name__}: {error}"
            assert not call.right, f"seed {seed}: refused what is right: {error}"
            return "refused"
    if not call.finite or not all(np.isfinite(b).all() for b in expected):
        return f"not finite, {way}"
    tolerance = 1e-2 if call.dtype == np.float32 else 1e-6
    for a, b in zip(found, expected, strict=True):
        a, b = np.asarray(a, float), np.asarray(b, float)
        norm = np.linalg.norm
        same = a.shape == b.shape and norm(a - b) <= tolerance * (1 + norm(b))
        assert same, f"seed {seed}: {way} gave {a}, not {b}"
    return f"right, {way}"


def _ways_of(error: BaseException) -> set[str]:
    """The functions that an error came through."""
    names, trace = set(), error.__traceback__
    while trace is not None:
        names.add(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return names


def some_calls(
    first: int, count: int, current: Path | None = None
) -> tuple[Counter[str], list[str]]:
    """Make the calls of so many seeds: a tally of how they ended, and what was wrong.

    `current` holds the seed of the one that is being made.
    """
    tally: Counter[str] = Counter()
    wrong = []
    with (current or Path("/dev/null")).open("w") as file:
        for seed in range(first, first + count):
            file.seek(0)
            file.write(f"{seed:12}")
            file.flush()
            try:
                tally[outcome(seed)] += 1
            except Exception as error:
                at = traceback.extract_tb(error.__traceback__)[-1]
                said = str(error)[:200].replace("\n", " ")
                kind = f"{type(error).__name__} at {at.name}:{at.lineno}"
                wrong.append(f"seed {seed}: {kind}: {said}")
    return tally, wrong


def in_children(module: str, first: int, count: int) -> tuple[Counter[str], list[str]]:
    """The calls of so many seeds, some thousands in each child: the tally, and what was wrong."""
    tally: Counter[str] = Counter()
    wrong, end = [], first + count
    with tempfile.TemporaryDirectory() as folder:
        current = Path(folder) / "current"
        while first < end:
            here = min(PER_CHILD, end - first)
            done = subprocess.run(
                [sys.executable, "-m", module, "--child", "--first", str(first),
                 "--count", str(here), "--current", str(current)],
                cwd=TESTS, capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode == 0:
                found, told = json.loads(done.stdout)
                tally.update(found)
                wrong += told
                first += here
                continue
            seed = int(current.read_text())
            wrong.append(f"seed {seed}: killed, {done.returncode}: {done.stderr[:300]}")
            first = seed + 1
    return tally, wrong


def main(module: str, about: str, some: Callable[..., tuple[Counter[str], list[str]]]) -> None:
    """Fuzz from the command line, or be a child that does; ends with 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--current", type=Path)
    parser.add_argument("--child", action="store_true")
    args = parser.parse_args()
    if args.child:
        faulthandler.enable()
        print(json.dumps(some(args.first, args.count, args.current)))
        return
    tally, wrong = in_children(module, args.first, args.count)
    print(json.dumps(dict(tally)), f"{len(wrong)} faults", *wrong[:50], sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main("helpers.guard_pages", __doc__ or "", some_calls)
