"""Workers of a Ray cluster: each is an actor, a process somewhere with a memory of its own.

Ray starts them, spread over the machines, and says when one has died. Whether a silent one is still
alive is asked through a second thread of its process; one that does not answer is lost.
"""

from __future__ import annotations

import os
import pickle
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, NamedTuple

import backhand
from backhand.cluster import ray_connection
from backhand.cluster.transport import Memory, WorkerLost, picklable
from backhand.engines.thread_limits import blas_threads
from backhand.errors import BackhandError, InputError, shortened

STARTING = 120.0
"""Seconds in which the workers have to begin."""

STARTS = 3
"""How often a worker is started that ends before it has begun."""

ROOM = 5.0
"""Seconds that a lost worker's place may take to become free, while others can do its work."""

SILENCE = 10.0
"""Seconds after which it is asked whether a worker is alive."""

PULSE = 20.0
"""Seconds in which it has to answer that."""

INLINE = 65_536
"""Bytes up to which a shared value travels with each call instead of once to each machine: a
machine that fetches it has to ask where it is first, which takes several round trips."""


class RayActors:
    """The transport on Ray.

    Parameters
    ----------
    workers : int
    address : str
        "local", "auto" or an address, as in `connect`.
    threads : int
        CPUs that each worker asks Ray for, and threads that it computes with.

    Raises
    ------
    InputError
        If the cluster cannot be joined, has no room for the workers, or has another version of
        Backhand.
    """

    in_this_process = False

    def __init__(self, workers: int, address: str, threads: int = 1) -> None:
        self.threads = threads
        self._replacing = [Lock() for _ in range(workers)]
        ray_connection.join(address, workers)
        self._ray = ray_connection.imported()
        self._workers: list[_Place] = []
        self._open = True
        try:
            with ray_connection.while_connected():
                self._workers = [_Place(self._new()) for _ in range(workers)]
                about = self._all_about()
            self.places = [one.place for one in about]
            self.machines = [one.address for one in about]
        except BaseException:
            self.close()
            raise

    def submit(self, worker: int, function: Callable[..., Any], *args: Any) -> Answer:
        references: list[Any] = []
        lifted = _lifted(args, self._ray.ObjectRef, references)
        place = self._workers[worker]
        if place.gone:
            return Answer(self, worker, place, None)
        with ray_connection.while_connected():
            call = place.actor.run.remote(function, lifted, *references)
        return Answer(self, worker, place, call)

    def share(self, value: Any) -> Any:
        if _size(value) <= INLINE:
            return value
        with ray_connection.while_connected():
            return self._ray.put(value)

    def replace(self, lost: WorkerLost) -> bool:
        worker = lost.worker
        with self._replacing[worker], ray_connection.while_connected():
            before = self._workers[worker]
            if before.gone or lost.incarnation != before.incarnation:
                return not before.gone
            self._kill(before.actor)
            others = any(not place.gone for place in self._workers if place is not before)
            actor = self._new() if self._room(ROOM if others else STARTING) else None
            about = actor and self._about(actor)
            if actor is None or about is None:
                self._workers[worker] = before._replace(gone=lost.why)
                return False
            self.places[worker], self.machines[worker] = about.place, about.address
            self._workers[worker] = _Place(actor, before.incarnation + 1)
            return True

    def close(self) -> None:
        if self._open:
            self._open = False
            for place in self._workers:
                self._kill(place.actor)
            self._workers = [place._replace(gone="it was closed") for place in self._workers]
            ray_connection.leave()

    def lost(self, actor: Any) -> str | None:
        """Return why an actor that has been silent must be taken as lost; None: it is alive."""
        pulse = actor.alive.options(concurrency_group="alive").remote()
        try:
            self._ray.get(pulse, timeout=PULSE)
        except self._ray.exceptions.GetTimeoutError:
            return f"its process or machine has not answered for {SILENCE + PULSE:g} s"
        except self._ray.exceptions.RayError as error:
            return _reason(error)
        return None

    def _new(self) -> Any:
        """Have another worker started."""
        # A method in a group of its own has its own thread.
        return self._ray.remote(
            num_cpus=0 if ray_connection.is_local() else self.threads,
            scheduling_strategy="SPREAD", max_restarts=0, concurrency_groups={"alive": 1},
        )(Worker).remote(self.threads)  # fmt: skip

    def _kill(self, actor: Any) -> None:
        if not self._ray.is_initialized():  # workers end with the connection
            return
        with suppress(self._ray.exceptions.RayError, ValueError, RuntimeError):
            self._ray.kill(actor, no_restart=True)

    def _room(self, seconds: float) -> bool:
        """Whether a worker could begin now, or after a few seconds."""
        ends = time.monotonic() + seconds
        while not ray_connection.is_local():
            try:
                free = self._ray.available_resources().get("CPU", 0.0)
            except self._ray.exceptions.RayError:
                return False
            if free >= self.threads:
                break
            if time.monotonic() > ends:
                return False
            time.sleep(0.1)
        return True

    def _about(self, actor: Any) -> About | None:
        """Wait for a worker that is to replace another; None if it does not begin."""
        try:
            about: About = self._ray.get(actor.about.remote(), timeout=STARTING)
        except self._ray.exceptions.RayError:
            self._kill(actor)
            return None
        return about

    def _all_about(self) -> list[About]:
        """Wait until all workers have begun; one that is lost before that is started again."""
        found: dict[int, About] = {}
        failure: Exception | None = None
        for _ in range(STARTS):
            waiting = [worker for worker in range(len(self._workers)) if worker not in found]
            calls = {worker: self._workers[worker].actor.about.remote() for worker in waiting}
            self._wait_for_room(list(calls.values()))
            for worker, call in calls.items():
                try:
                    found[worker] = self._ray.get(call)
                except self._ray.exceptions.RayError as error:
                    failure = error
                    self._workers[worker] = _Place(self._new())
            if len(found) == len(self._workers):
                return self._checked([found[worker] for worker in sorted(found)])
        assert failure is not None
        raise InputError(
            f"a worker could not begin: {_reason(failure)}. Each machine of the Ray cluster needs "
            f"Backhand {backhand.__version__} and what it uses, as this one has it."
        ) from failure

    def _wait_for_room(self, calls: list[Any]) -> None:
        _, waiting = self._ray.wait(calls, num_returns=len(calls), timeout=STARTING)
        if waiting:
            workers = len(self._workers)
            cpus = self._ray.cluster_resources().get("CPU", 0.0)
            raise InputError(
                f"of {workers} workers, {workers - len(waiting)} began within {STARTING:g} s. CPUs "
                f"that each needs: {self.threads}; CPUs of the Ray cluster: {cpus:g}, some of "
                "which others may use. Ask for fewer workers or threads, or wait until there is "
                "room."
            )

    def _checked(self, about: list[About]) -> list[About]:
        """Refuse workers that have another version."""
        for one in about:
            if one.version != backhand.__version__:
                raise InputError(
                    f"{one.place} has Backhand {one.version}, and this process has "
                    f"{backhand.__version__}: install the same version on every machine."
                )
        return about


class Answer:
    """A call under way."""

    def __init__(self, transport: RayActors, worker: int, place: _Place, reference: Any) -> None:
        self._transport, self._worker = transport, worker
        self._place, self._reference = place, reference

    def result(self, seconds: float) -> Any:
        if self._place.gone:
            raise self._lost(self._place.gone)
        ray = ray_connection.imported()
        ends = time.monotonic() + seconds
        while True:
            left = max(0.0, ends - time.monotonic())
            try:
                with ray_connection.while_connected():
                    answer = ray.get(self._reference, timeout=min(left, SILENCE))
                break
            except ray.exceptions.GetTimeoutError:
                if left <= SILENCE:
                    raise self._lost(f"no answer in {seconds:g} s") from None
                with ray_connection.while_connected():
                    why = self._transport.lost(self._place.actor)
                if why:
                    raise self._lost(why) from None
            except ray.exceptions.RayTaskError as error:  # the call itself could not be made
                raise BackhandError(f"a worker could not be called: {_reason(error)}.") from error
            except ray.exceptions.RayError as error:
                raise self._lost(_reason(error)) from error
        if isinstance(answer, Failure):
            raise answer.error
        return answer

    def _lost(self, why: str) -> WorkerLost:
        return WorkerLost(self._worker, why, self._place.incarnation)


class _Place(NamedTuple):
    """Where a worker is: its actor, how many were there before, and why there is none any more."""

    actor: Any
    incarnation: int = 0
    gone: str = ""


class About(NamedTuple):
    """What a worker says of itself."""

    place: str
    address: str
    version: str


class Failure(NamedTuple):
    """What a function raised, in the place of its result."""

    error: Exception


class Reference(NamedTuple):
    """Stands for an argument of which only the reference travels with the call."""

    number: int


class Worker:
    """The actor."""

    def __init__(self, threads: int) -> None:
        self._memory: Memory = {}
        os.environ["OMP_NUM_THREADS"] = str(threads)  # of libraries that are not imported yet
        blas_threads().write(threads)

    def about(self) -> About:
        """Say where the worker is."""
        address = ray_connection.imported().util.get_node_ip_address()
        place = f"{socket.gethostname()} ({address}), process {os.getpid()}"
        return About(place, address, backhand.__version__)

    def alive(self) -> None:
        """Answer, whatever the worker is doing."""

    def run(self, function: Callable[..., Any], lifted: tuple[Any, ...], *values: Any) -> Any:
        """Run a function."""
        try:
            return function(self._memory, *_put_back(lifted, values))
        except Exception as error:
            if not isinstance(error, BackhandError):
                error.add_note("On the worker:\n" + traceback.format_exc())
            return Failure(picklable(error))


def _size(value: Any) -> int:
    """Return how many bytes a value has when it is pickled, without copying its arrays."""
    arrays: list[int] = []
    rest = pickle.dumps(value, 5, buffer_callback=lambda buffer: arrays.append(buffer.raw().nbytes))
    return len(rest) + sum(arrays)


def _lifted(value: Any, kind: type, references: list[Any]) -> Any:
    """Return the value with a `Reference` for each of Ray's, which are added to the list.

    Ray replaces those that are arguments of a call by their values, and no others.
    """
    if isinstance(value, kind):
        references.append(value)
        return Reference(len(references) - 1)
    if type(value) in (tuple, list):
        return type(value)(_lifted(one, kind, references) for one in value)
    if type(value) is dict:
        return {key: _lifted(one, kind, references) for key, one in value.items()}
    return value


def _put_back(value: Any, values: tuple[Any, ...]) -> Any:
    if not values:
        return value
    if isinstance(value, Reference):
        return values[value.number]
    if type(value) in (tuple, list):
        return type(value)(_put_back(one, values) for one in value)
    if type(value) is dict:
        return {key: _put_back(one, values) for key, one in value.items()}
    return value


def _reason(error: Exception) -> str:
    """Return the message of one of Ray's errors as part of a sentence, without its list of ids."""
    lines = str(getattr(error, "cause", None) or error).splitlines()
    text = " ".join(line.strip() for line in lines if line.strip() and not line.startswith("\t"))
    return shortened(text, 300).rstrip(".")
