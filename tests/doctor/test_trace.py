"""Recording the variables of a function: what is seen, and that the function does not notice."""

import functools
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from backhand.doctor.probe import trace as tracing
from backhand.doctor.probe.trace import Seen, Trace, recording

A = np.array([[1.0, -2.0, 3.0], [-4.0, 5.0, -6.0]])


def traced(f, *arguments, **keywords) -> Trace:
    with recording(f) as trace:
        f(*arguments, **keywords)
    return trace


def values_of(trace: Trace, text: str) -> list:
    return [one.value.tolist() for one in trace.seen if one.text == text and not one.passed]


def texts(trace: Trace) -> list[str]:
    return [one.text for one in trace.seen if not one.passed]


def double(x):
    return x * 2


def in_a_helper(x):
    y = double(x) + 1
    return y.sum(axis=0)


class Layer:
    def __init__(self, W):
        self.W = W
        self.x = None

    def forward(self, x):
        self.x = x + 1
        return self.x @ self.W

    def __call__(self, x):
        return self.forward(x) * 2


def test_names_parts_and_what_is_returned_are_seen_with_their_places() -> None:
    trace = traced(in_a_helper, A)
    first = in_a_helper.__code__.co_firstlineno
    helper = double.__code__.co_firstlineno
    assert [(one.text, one.line, one.function, one.is_name, one.passed) for one in trace.seen] == [
        ("x", first, "in_a_helper", True, True),
        ("x", helper, "double", True, True),
        ("x * 2", helper + 1, "double", False, False),
        ("double(x)", first + 1, "in_a_helper", False, False),
        ("y", first + 1, "in_a_helper", True, False),
        ("y.sum(axis=0)", first + 2, "in_a_helper", False, False),
    ]
    assert values_of(trace, "y") == [(2 * A + 1).tolist()]
    assert all(one.file == __file__ for one in trace.seen)
    assert [one.order for one in trace.seen] == list(range(6))
    assert trace.complete


def test_attributes_methods_and_callable_objects() -> None:
    layer = Layer(np.ones((3, 2)))

    def f(x):
        return layer(x)

    trace = traced(f, A)
    assert values_of(trace, "self.x")[0] == (A + 1).tolist()
    assert {one.function for one in trace.seen if one.text == "self.x"} == {"Layer.forward"}
    assert values_of(trace, "self.forward(x)") == [((A + 1) @ layer.W).tolist()]
    assert "self.x" in texts(traced(layer, A))  # the object itself
    assert "self.x" in texts(traced(layer.forward, A))
    assert "self.W" in texts(traced(Layer, np.ones((3, 2))))


def test_tuple_targets_augmented_and_in_place_changes() -> None:
    def f(x, grads):
        (a, b), c = (x + 1, x + 2), x + 3
        a += 10
        b[b < 0] = 0
        grads["c"] = c.T
        grads["c"] *= 2
        np.maximum(x, 0, out=x)
        x.fill(7.0)
        return a

    trace = traced(f, A.copy(), {})
    assert values_of(trace, "a") == [(A + 1).tolist(), (A + 11).tolist()]
    assert values_of(trace, "b") == [(A + 2).tolist(), np.maximum(A + 2, 0).tolist()]
    assert values_of(trace, 'grads["c"]') == [(A + 3).T.tolist(), (2 * (A + 3).T).tolist()]
    assert values_of(trace, "x") == [np.maximum(A, 0).tolist(), np.full_like(A, 7).tolist()]
    assert values_of(trace, "b < 0") == [(A + 2 < 0).tolist()]


def test_values_are_copies() -> None:
    def f(x):
        y = x + 1
        y[:] = 0
        return y

    assert values_of(traced(f, A), "y") == [(A + 1).tolist(), (A * 0).tolist()]


def test_rows_of_a_loop_are_seen_as_one_array_and_the_sum_as_it_ends() -> None:
    def f(x):
        total = np.zeros(3)
        for row in x:
            y = row * 2
            total += y
        return total

    trace = traced(f, A)
    assert (2 * A).tolist() in values_of(trace, "y")
    assert (2 * A).sum(axis=0).tolist() in values_of(trace, "total")
    assert trace.matching((2 * A).sum(axis=0))[0].text == "total"
    assert trace.matching(2 * A)[0].text == "y"


def test_numbers_of_nested_loops_and_lists_are_seen_as_arrays() -> None:
    def f(x):
        H = [[0.0] * 3 for _ in range(2)]
        for i in range(2):
            for j in range(3):
                z = float(x[i, j]) + 1
                H[i][j] = max(z, 0.0)
        return H

    trace = traced(f, A)
    assert trace.matching(A + 1)[0].text == "z"
    assert np.maximum(A + 1, 0).tolist() in values_of(trace, "H")


def test_a_helper_that_is_called_for_each_row() -> None:
    def of_row(row):
        z = row + 1
        return np.maximum(z, 0)

    def f(x):
        return np.array([of_row(row) for row in x])

    trace = traced(f, A)
    assert trace.matching(A + 1)[0].text == "z"
    assert trace.matching(np.maximum(A + 1, 0))


def test_lambdas_generators_recursion_and_comprehensions() -> None:
    relu, slope = (lambda z: np.maximum(z, 0)), (lambda z: (z > 0) * 1.0)

    def deep(x, n):
        return x if n == 0 else deep(x + 1, n - 1)

    def rows(x):
        for row in x:
            doubled = row * 2
            yield doubled

    def f(x):
        y = relu(x) * slope(x)
        parts = np.array(list(rows(x)))
        return y, parts, deep(x, 5), [double(r) for r in x]

    trace = traced(f, A)
    assert values_of(trace, "np.maximum(z, 0)")[0] == np.maximum(A, 0).tolist()
    assert values_of(trace, "z > 0")[0] == (A > 0).tolist()
    assert values_of(trace, "relu(x)") == [np.maximum(A, 0).tolist()]
    assert values_of(trace, "parts") == [(2 * A).tolist()]
    assert trace.matching(A + 5)
    assert trace.complete


def test_an_exception_ends_a_statement() -> None:
    def f(x):
        y = x + 1
        try:
            y = x @ x
        except ValueError:
            z = y * 2
        raise KeyError(z.shape)

    with pytest.raises(KeyError), recording(f) as trace:
        f(A)
    assert values_of(trace, "y") == [(A + 1).tolist()]
    assert values_of(trace, "z") == [(2 * A + 2).tolist()]


def test_decorated_functions_partials_and_functions_without_source() -> None:
    def decorate(f):
        @functools.wraps(f)
        def inner(*arguments):
            return f(*arguments)

        return inner

    @decorate
    def g(x, y):
        z = x + y
        return z, x

    assert values_of(traced(g, A, 1), "z") == [(A + 1).tolist()]
    assert values_of(traced(functools.partial(g, A), 2), "z") == [(A + 2).tolist()]
    names: dict = {}
    exec("def h(x):\n    y = x + 1\n    return y", names)
    assert traced(names["h"], A).seen == []
    assert traced(np.add, A, 1).seen == []
    assert not traced(np.add, A, 1).complete


def test_nothing_is_computed_twice_that_may_change_something() -> None:
    calls = []

    class Loud:
        @property
        def x(self):
            calls.append("property")
            return A

        def __getattr__(self, name):
            calls.append(name)
            return A

        def __add__(self, other):
            calls.append("add")
            return A

        def __getitem__(self, key):
            calls.append("item")
            return A

    def bump():
        calls.append("bump")
        return 1.0

    def f(loud, objects, rng):
        a = loud.x + 1
        b = loud.other * 2
        c = (loud + 1) * loud["k"]
        d = (objects + objects) * 1
        e = bump() + bump() * A
        g = rng.standard_normal(3) + 1
        h = (k := A + 1) * k
        return a, b, c, d, e, g, h

    given = np.empty(1, object)
    given[0] = Loud()
    f(Loud(), given, np.random.default_rng(0))
    expected = list(calls)
    calls.clear()
    rng = np.random.default_rng(0)
    trace = traced(f, Loud(), given, rng)
    assert calls == expected
    assert rng.standard_normal() == np.random.default_rng(0).standard_normal(4)[3]
    assert values_of(trace, "bump() * A") == [A.tolist()]
    assert values_of(trace, "k") == [(A + 1).tolist()]


def test_closures_and_locals_are_as_without() -> None:
    def f(x):
        count = 0

        def more():
            nonlocal count
            count += 1
            return count

        total = more() + more()
        return total, count, sorted(locals())

    plain = f(A)
    with recording(f):
        assert f(A) == plain


def test_a_function_may_set_a_tracer_itself() -> None:
    before = sys.gettrace()

    def f(x):
        sys.settrace(None)
        return x + 1

    traced(f, A)
    assert sys.gettrace() is before


def test_a_tracer_that_was_there_is_put_back() -> None:
    found = []

    def in_a_thread() -> None:
        def tracer(frame, event, arg):
            return None

        sys.settrace(tracer)
        traced(in_a_helper, A)
        found.append(sys.gettrace() is tracer)
        sys.settrace(None)

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert found == [True]


def test_another_thread_is_not_traced() -> None:
    def f(x):
        thread = threading.Thread(target=double, args=(x,))
        thread.start()
        thread.join()
        return x + 1

    assert "x * 2" not in texts(traced(f, A))


def test_a_long_loop_goes_on_without_being_traced_and_its_end_is_seen() -> None:
    def f(x):
        total = np.zeros(3)
        for _ in range(100_000):
            total = total + 1e-3
        y = x + total
        return y, total

    trace = traced(f, A)
    assert not trace.complete
    assert len(trace.seen) < 1000
    assert np.allclose(values_of(trace, "y"), A + 100)


def test_many_calls_end_the_tracing() -> None:
    def one(x):
        return x

    def f(n):
        for _ in range(n):
            one(1.0)

    trace = traced(f, tracing.MOST_EVENTS)
    assert not trace.complete
    assert len(trace.seen) < 1000


def test_a_failure_of_the_recorder_is_none_of_the_function(monkeypatch) -> None:
    def fails(*arguments):
        raise RuntimeError("in the recorder")

    monkeypatch.setattr(tracing._Frame, "_line", fails)
    with recording(in_a_helper) as trace:
        assert in_a_helper(A).tolist() == (2 * A + 1).sum(axis=0).tolist()
    assert not trace.complete


def test_libraries_are_not_traced() -> None:
    def f(x):
        return np.linalg.norm(np.atleast_2d(x)) + 1

    assert {one.file for one in traced(f, A).seen} == {__file__}


def test_matching_ignores_transposition_and_shape_but_not_the_numbers() -> None:
    def seen(value, order):
        return Seen(np.asarray(value), f"v{order}", True, "f.py", 1, "f", order)

    trace = Trace([seen(A, 0), seen(A.T, 1), seen(A + 1e-12, 2), seen(A.ravel(), 3),
                   seen(A[None], 4), seen(A + 1, 5), seen(A[:, ::-1], 6)])  # fmt: skip
    assert [one.order for one in trace.matching(A)] == [0, 1, 2, 3, 4]
    assert [one.order for one in trace.matching(A.T)] == [0, 1, 2, 3, 4]
    assert trace.matching(A * np.nan) == []
    assert Trace([seen([np.nan, 1.0], 0)]).matching([np.nan, 1.0])
    assert Trace([seen(2.0, 0)]).matching(2.0)
    assert Trace([]).matching(A) == []


def test_pairs_are_values_and_functions_of_them() -> None:
    def f(x):
        Z = x * 2
        H = np.tanh(Z)
        return H, Z

    found = traced(f, A).pairs(np.tanh)
    assert ("Z", "H") in {(a.text, b.text) for a, b in found}
    assert all(np.allclose(np.tanh(a.value), b.value) for a, b in found)
    assert traced(f, A).pairs(np.exp) == []


def test_tensors_are_seen() -> None:
    torch = pytest.importorskip("torch")

    def f(x):
        y = (x * 2).detach().requires_grad_()
        z = y + 1
        z.sum().backward()
        return y.grad

    given = torch.tensor(A)
    trace = traced(f, given)
    assert values_of(trace, "z") == [(2 * A + 1).tolist()]
    assert values_of(trace, "y") == [(2 * A).tolist()]


def test_containers_of_their_own_class_are_read() -> None:
    cache = SimpleNamespace(Z=A)

    def f(x):
        return cache.Z + x

    assert values_of(traced(f, A), "cache.Z") == [A.tolist()]
