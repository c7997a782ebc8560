"""Writing LLVM code in Python: numbers and vectors with operators, memory, loops, functions.

A `function` runs once, to be compiled, with a `Code` and a `Value` for each argument; what it
does with them becomes the instructions of one compiled function. Products and sums carry LLVM's
`contract` flag: a·b + c is one operation, rounded once, where the CPU has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from llvmlite import ir

from backhand.engines.fused.llvm.precision import Precision
from backhand.engines.fused.llvm.target import host, tile_of

INT = ir.IntType(64)
DOUBLE = ir.DoubleType()

FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 1 << 15, 1 << 6
"""Bits of x86's register MXCSR (Intel's manual, volume 1, 10.2.3): of results and of operands."""


class Value:
    """An integer, a real number, a pointer, or a vector of these, with Python's operators.

    The other operand may be a Python number; a scalar is broadcast to the lanes of a vector.
    """

    def __init__(self, code: Code, value: Any) -> None:
        self.code, self.ir = code, value

    @property
    def lanes(self) -> int:
        """Numbers in the vector; 0 for a scalar."""
        return int(self.ir.type.count) if isinstance(self.ir.type, ir.VectorType) else 0

    @property
    def _is_real(self) -> bool:
        element = self.ir.type.element if self.lanes else self.ir.type
        return isinstance(element, ir.FloatType | ir.DoubleType)

    def _with(self, other: Any) -> tuple[Any, Any]:
        """Both operands, of one type."""
        if not isinstance(other, Value):
            return self.ir, constant(self.ir.type, other)
        if self.lanes and not other.lanes:
            return self.ir, self.code.broadcast(other, self.lanes).ir
        if other.lanes and not self.lanes:
            return self.code.broadcast(self, other.lanes).ir, other.ir
        return self.ir, other.ir

    def _arithmetic(self, name: str, operands: tuple[Any, Any]) -> Value:
        build = self.code.builder
        if self._is_real:
            return Value(self.code, getattr(build, "f" + name)(*operands, flags=("contract",)))
        return Value(self.code, getattr(build, {"div": "sdiv"}.get(name, name))(*operands))

    def __add__(self, other: Any) -> Value:
        return self._arithmetic("add", self._with(other))

    def __sub__(self, other: Any) -> Value:
        return self._arithmetic("sub", self._with(other))

    def __mul__(self, other: Any) -> Value:
        return self._arithmetic("mul", self._with(other))

    def __truediv__(self, other: Any) -> Value:
        return self._arithmetic("div", self._with(other))

    def __rsub__(self, other: Any) -> Value:
        return self._arithmetic("sub", self._with(other)[::-1])

    def __rtruediv__(self, other: Any) -> Value:
        return self._arithmetic("div", self._with(other)[::-1])

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, other: Any) -> Value:
        """Divide integers, rounding towards 0: the same as Python's // if neither is negative."""
        return self._arithmetic("div", self._with(other))

    def __lshift__(self, bits: int) -> Value:
        return Value(self.code, self.code.builder.shl(*self._with(bits)))

    def __rshift__(self, bits: int) -> Value:
        return Value(self.code, self.code.builder.ashr(*self._with(bits)))

    def _compare(self, sign: str, other: Any) -> Value:
        build = self.code.builder
        compare = build.fcmp_ordered if self._is_real else build.icmp_signed
        return Value(self.code, compare(sign, *self._with(other)))

    def __lt__(self, other: Any) -> Value:
        return self._compare("<", other)

    def __gt__(self, other: Any) -> Value:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Value:
        return self._compare(">=", other)

    def __and__(self, other: Value) -> Value:
        return Value(self.code, self.code.builder.and_(self.ir, other.ir))

    def __or__(self, other: Value) -> Value:
        return Value(self.code, self.code.builder.or_(self.ir, other.ir))

    def __xor__(self, other: Any) -> Value:
        return Value(self.code, self.code.builder.xor(*self._with(other)))

    def lshr(self, bits: int) -> Value:
        """Shift right, filling with zeros; `>>` repeats the sign bit."""
        return Value(self.code, self.code.builder.lshr(*self._with(bits)))

    def ult(self, other: Any) -> Value:
        """Whether an integer is smaller, both compared as unsigned."""
        return Value(self.code, self.code.builder.icmp_unsigned("<", *self._with(other)))

    def equals(self, other: Any) -> Value:
        """Whether both are equal, lane by lane; nan equals nothing."""
        return self._compare("==", other)


class Variable:
    """A value that changes; LLVM keeps it in a register."""

    def __init__(self, code: Code, initial: Value) -> None:
        self._code = code
        with code.builder.goto_entry_block():
            self._slot = code.builder.alloca(initial.ir.type)
        self.set(initial)

    def get(self) -> Value:
        """Return the present value."""
        return Value(self._code, self._code.builder.load(self._slot))

    def set(self, value: Value) -> None:
        """Change it."""
        self._code.builder.store(value.ir, self._slot)


class Code:
    """The function that is being written, for real numbers of one precision."""

    def __init__(self, builder: Any, precision: Precision) -> None:
        self.builder, self.precision = builder, precision
        self.lanes, self.bits, self.tile = precision.lanes, precision.bits, tile_of(precision.lanes)
        self.real_type = self.type_of(precision.compute)
        self.storage_type = self.type_of(precision.storage)
        self.accumulation_type = self.type_of(precision.accumulation)
        self._label_type = ir.IntType(self.bits)

    # Constants.

    def integer(self, number: int) -> Value:
        """A 64-bit integer."""
        return Value(self, constant(INT, number))

    def real(self, number: float) -> Value:
        """A real number."""
        return Value(self, constant(self.real_type, number))

    def smallest_normal(self) -> Value:
        """The smallest normal real number."""
        return self.real(2.0 ** (-126 if self.bits == 32 else -1022))

    def double(self, number: float) -> Value:
        """A real number of 64 bits."""
        return Value(self, constant(DOUBLE, number))

    def splat(self, number: float) -> Value:
        """A real number in each lane."""
        return Value(self, constant(ir.VectorType(self.real_type, self.lanes), number))

    # Memory: offsets count numbers, not bytes.

    def at(self, pointer: Value, offset: Any) -> Value:
        """Return the pointer, moved by an offset."""
        offset = offset if isinstance(offset, Value) else self.integer(offset)
        return Value(self, self.builder.gep(pointer.ir, [offset.ir]))

    def load(self, pointer: Value, offset: Any = 0) -> Value:
        """A vector."""
        number = pointer.ir.type.pointee
        kind = ir.VectorType(number, self.lanes)
        where = self.builder.bitcast(self.at(pointer, offset).ir, kind.as_pointer())
        return Value(self, self.builder.load(where, align=_bytes(number)))

    def masked_load(self, pointer: Value, offset: Any, mask: Value) -> Value:
        """A vector, 0 in the lanes outside the mask, whose memory is not read."""
        number, i32 = pointer.ir.type.pointee, ir.IntType(32)
        kind = ir.VectorType(number, mask.lanes)
        where = self.builder.bitcast(self.at(pointer, offset).ir, kind.as_pointer())
        name = f"llvm.masked.load.v{mask.lanes}f{8 * _bytes(number)}.p0"
        align = ir.Constant(i32, _bytes(number))
        return Value(self, self.call(name, kind, where, align, mask.ir, ir.Constant(kind, None)))

    def load_scalar(self, pointer: Value, offset: Any = 0) -> Value:
        """A scalar."""
        return Value(self, self.builder.load(self.at(pointer, offset).ir))

    def store(self, value: Value, pointer: Value, offset: Any = 0) -> None:
        """Store a vector or a scalar."""
        where = self.at(pointer, offset).ir
        if value.lanes:
            where = self.builder.bitcast(where, value.ir.type.as_pointer())
            self.builder.store(value.ir, where, align=_bytes(value.ir.type.element))
        else:
            self.builder.store(value.ir, where)

    def prefetch(self, pointer: Value, offset: Any, *, writing: bool = False) -> None:
        """Prefetch memory into the cache."""
        byte, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        where = self.builder.bitcast(self.at(pointer, offset).ir, byte)
        mode, keep, data = (ir.Constant(i32, n) for n in (int(writing), 3, 1))
        self.call("llvm.prefetch.p0", ir.VoidType(), where, mode, keep, data)

    def pointer(self, address: Value, kind: Any) -> Value:
        """A pointer to numbers of LLVM's type `kind` at an address."""
        return Value(self, self.builder.inttoptr(address.ir, kind.as_pointer()))

    def atomic_add(self, pointer: Value, number: int) -> Value:
        """Add to an integer that threads share; return its previous value."""
        added = constant(INT, number)
        return Value(self, self.builder.atomic_rmw("add", pointer.ir, added, "acq_rel"))

    def atomic_cmpxchg(self, pointer: Value, old: Value, new: Value) -> Value:
        """Replace an integer by `new` if it is `old`; return whether it was replaced."""
        pair = self.builder.cmpxchg(pointer.ir, old.ir, new.ir, "acq_rel", "acquire")
        return Value(self, self.builder.extract_value(pair, 1))

    def atomic_store(self, value: Value, pointer: Value) -> None:
        """Store an integer for other threads, after all earlier stores."""
        self.builder.store_atomic(value.ir, pointer.ir, "release", 8)

    def atomic_load(self, pointer: Value) -> Value:
        """An integer that other threads change."""
        return Value(self, self.builder.load_atomic(pointer.ir, "acquire", 8))

    # Numbers of other types.

    def type_of(self, name: str) -> Any:
        """LLVM's type of a NumPy dtype's name."""
        named = {"float32": ir.FloatType(), "float64": DOUBLE, "bool": ir.IntType(8)}
        return named.get(name) or ir.IntType(int(name.lstrip("uint")))

    def real_from(self, number: Value, name: str) -> Value:
        """A real number from a number of that NumPy dtype; a vector from a vector."""
        build, x = self.builder, number.ir
        kind = ir.VectorType(self.real_type, number.lanes) if number.lanes else self.real_type
        if x.type == kind:
            return number
        if name.startswith("float"):
            change = build.fpext if self.bits == 64 else build.fptrunc
        else:
            change = build.sitofp if name.startswith("int") else build.uitofp
        return Value(self, change(x, kind))

    def to_accumulation(self, x: Value) -> Value:
        """A vector in the precision that figures are added up in."""
        kind = ir.VectorType(self.accumulation_type, x.lanes)
        return x if x.ir.type == kind else Value(self, self.builder.fpext(x.ir, kind))

    def widened(self, x: Value) -> Value:
        """A number or vector of 32 or 64 bits as the program's real numbers."""
        return self.real_from(x, "float")

    def stored_as(self, kind: Any, x: Value) -> Value:
        """Doubles rounded to LLVM's type `kind`; a vector as a vector."""
        if kind == DOUBLE:
            return x
        kind = ir.VectorType(kind, x.lanes) if x.lanes else kind
        return Value(self, self.builder.fptrunc(x.ir, kind))

    def real_from_double(self, x: Value) -> Value:
        """A double as a real number."""
        return self.real_from(x, "float64")

    def as_real(self, x: Value) -> Value:
        """A vector of integers as real numbers."""
        return Value(self, self.builder.sitofp(x.ir, ir.VectorType(self.real_type, x.lanes)))

    def bits_of(self, x: Value) -> Value:
        """The bits of real numbers, as integers as wide."""
        return Value(self, self.builder.bitcast(x.ir, ir.VectorType(self._label_type, x.lanes)))

    def real_of(self, bits: Value) -> Value:
        """The real numbers that have these bits."""
        kind = ir.VectorType(self.real_type, bits.lanes)
        return Value(self, self.builder.bitcast(bits.ir, kind))

    def trunc_to_label(self, number: Value) -> Value:
        """A 64-bit integer in as many bits as a real number."""
        narrow = self.bits < 64
        return Value(self, self.builder.trunc(number.ir, self._label_type)) if narrow else number

    def trunc32(self, number: Value) -> Value:
        """The 32 lowest bits of a 64-bit integer."""
        return Value(self, self.builder.trunc(number.ir, ir.IntType(32)))

    def sext64(self, number: Value) -> Value:
        """A signed integer in 64 bits."""
        narrow = number.ir.type != INT
        return Value(self, self.builder.sext(number.ir, INT)) if narrow else number

    def label(self, k: Value) -> Value:
        """A class number in each lane."""
        return self.broadcast(self.trunc_to_label(k), self.lanes)

    # Vectors.

    def broadcast(self, value: Value, lanes: int | None = None) -> Value:
        """A scalar in each lane."""
        kind = ir.VectorType(value.ir.type, lanes or self.lanes)
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(nothing, value.ir, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
        return Value(self, self.builder.shuffle_vector(first, nothing, zeros))

    def iota(self, first: Value) -> Value:
        """An integer, the next one, and so on, one in each lane."""
        kind = ir.VectorType(first.ir.type, self.lanes)
        return first + Value(self, ir.Constant(kind, list(range(kind.count))))

    def shuffle(self, a: Value, b: Value, lanes: list[int]) -> Value:
        """Return these lanes of a and b, b's numbered after a's."""
        which = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        return Value(self, self.builder.shuffle_vector(a.ir, b.ir, which))

    def extract_lane(self, vector: Value) -> Value:
        """The scalar in a vector of one lane."""
        return Value(self, self.builder.extract_element(vector.ir, ir.Constant(ir.IntType(32), 0)))

    def select(self, condition: Value, yes: Any, no: Any) -> Value:
        """Return `yes` where the condition holds, else `no`; lane by lane for vectors."""
        yes, no = (n if isinstance(n, Value) else self.integer(n) for n in (yes, no))
        return Value(self, self.builder.select(condition.ir, yes.ir, no.ir))

    def minimum(self, a: Value, b: Any) -> Value:
        """The smaller of two integers."""
        return self.select(a < b, a, b)

    def relu(self, x: Value) -> Value:
        """max(0, x), and nan where x is nan."""
        zero = self.splat(0.0)
        return self.select(x < zero, zero, x)

    def sqrt(self, x: Value) -> Value:
        """Lane by lane, correctly rounded."""
        return Value(self, self.call(f"llvm.sqrt.v{x.lanes}f{self.bits}", x.ir.type, x.ir))

    def call(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call one of LLVM's intrinsics or the C library's functions."""
        module = self.builder.module
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        function = module.globals.get(name) or ir.Function(module, kind, name)
        return self.builder.call(function, arguments)

    # Control.

    def variable(self, initial: Value) -> Variable:
        """A value that changes."""
        return Variable(self, initial)

    @contextmanager
    def loop(self, stop: Any, start: Any = 0, step: Any = 1) -> Iterator[Value]:
        """For index in range(start, stop, step)."""
        start = start if isinstance(start, Value) else self.integer(start)
        build, before = self.builder, self.builder.block
        head, body, end = map(build.append_basic_block, ("head", "body", "end"))
        build.branch(head)
        build.position_at_end(head)
        index = build.phi(INT)
        index.add_incoming(start.ir, before)
        position = Value(self, index)
        build.cbranch((position < stop).ir, body, end)
        build.position_at_end(body)
        yield position
        index.add_incoming((position + step).ir, build.block)
        build.branch(head)
        build.position_at_end(end)

    @contextmanager
    def while_(self, condition: Callable[[], Value]) -> Iterator[None]:
        """Loop while the condition, evaluated each time, holds."""
        build = self.builder
        head, body, end = map(build.append_basic_block, ("head", "body", "end"))
        build.branch(head)
        build.position_at_end(head)
        build.cbranch(condition().ir, body, end)
        build.position_at_end(body)
        yield
        build.branch(head)
        build.position_at_end(end)

    @contextmanager
    def if_(self, condition: Value) -> Iterator[None]:
        """If the condition holds."""
        with self.builder.if_then(condition.ir):
            yield

    def switch(self, value: Value, actions: Mapping[int, Callable[[], None]]) -> None:
        """Run the action of that number, if there is one."""
        build = self.builder
        end = build.append_basic_block("end")
        switch = build.switch(value.ir, end)
        for number, action in actions.items():
            block = build.append_basic_block("case")
            switch.add_case(constant(INT, number), block)
            build.position_at_end(block)
            action()
            build.branch(end)
        build.position_at_end(end)


@contextmanager
def flush_subnormals(code: Code) -> Iterator[None]:
    """Flush subnormals to 0 on x86 while the context lasts.

    Decaying weights, and their moments, become subnormal eventually, and x86 computes with such
    numbers a hundred times more slowly. The caller's setting is restored afterwards.
    """
    if not host().is_x86:
        yield
        return
    kind = ir.IntType(32)
    before, within = (code.builder.alloca(kind) for _ in range(2))
    read, write = (
        _intrinsic(code, f"llvm.x86.sse.{name}mxcsr", kind.as_pointer()) for name in ("st", "ld")
    )
    code.builder.call(read, [before])
    flags = code.builder.or_(code.builder.load(before), kind(FLUSH_TO_ZERO | DENORMALS_ARE_ZERO))
    code.builder.store(flags, within)
    code.builder.call(write, [within])
    yield
    code.builder.call(write, [before])


def _intrinsic(code: Code, name: str, argument: Any) -> Any:
    module = code.builder.module
    if name not in module.globals:
        ir.Function(module, ir.FunctionType(ir.VoidType(), [argument]), name)
    return module.globals[name]


def rounded_up(count: Any, block: Any) -> Any:
    """Return the next multiple of `block`, of numbers in Python or in compiled code."""
    return (count + (block - 1)) // block * block


def constant(kind: Any, number: Any) -> Any:
    """LLVM's constant; the same in each lane of a vector type."""
    return ir.Constant(kind, [number] * kind.count if isinstance(kind, ir.VectorType) else number)


def _bytes(kind: Any) -> int:
    if isinstance(kind, ir.IntType):
        return int(kind.width) // 8
    return 4 if isinstance(kind, ir.FloatType) else 8


def function(write: Callable[..., None]) -> Callable[..., None]:
    """Make a compiled function of `write`, which emits its body.

    Calling the result with the `Code` of another function emits a call in that one. Arguments are
    values, Python integers and named tuples of values.
    """

    @wraps(write)
    def call(code: Code, *arguments: Any) -> None:
        flat: list[Any] = []
        parts = [_flatten(code, argument, flat) for argument in arguments]
        code.builder.call(_function(write, code, flat, parts), flat)

    return call


def _flatten(code: Code, argument: Any, flat: list[Any]) -> Callable[[Iterator[Value]], Any]:
    """Add LLVM's values of an argument to `flat`; what makes the argument of such values again."""
    if isinstance(argument, tuple):
        parts = [_flatten(code, part, flat) for part in argument]
        kind: Any = type(argument)
        return lambda values: kind(*(part(values) for part in parts))
    value = argument.ir if isinstance(argument, Value) else constant(INT, argument)
    if value.type == ir.IntType(1):
        value = code.builder.zext(value, INT)
    flat.append(value)
    return next


def _function(write: Callable[..., None], caller: Code, flat: list[Any], parts: list[Any]) -> Any:
    """The compiled function; each module has its own."""
    module, name = (
        caller.builder.module,
        f"{write.__module__}.{write.__name__}.{caller.precision.compute}",
    )
    if name in module.globals:
        return module.globals[name]
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in flat])
    compiled = ir.Function(module, kind, name)
    compiled.linkage = "internal"
    # `optsize` keeps LLVM from unrolling the tiles' loops, which are as long as they should be.
    for attribute in ("noinline", "optsize"):
        compiled.attributes.add(attribute)
    for argument in compiled.args:
        if isinstance(argument.type, ir.PointerType):
            argument.add_attribute("noalias")
    code = Code(ir.IRBuilder(compiled.append_basic_block("entry")), caller.precision)
    values = iter([Value(code, argument) for argument in compiled.args])
    write(code, *(part(values) for part in parts))
    code.builder.ret_void()
    return compiled
