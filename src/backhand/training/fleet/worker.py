"""`Worker`: drives members of a fleet in one thread, on one engine."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from backhand.engines import Engine
from backhand.training.early_stopping import DivergenceError
from backhand.training.fleet.shared import Fleet
from backhand.training.loop import Driver, Pace
from backhand.training.state import TrainState


class Worker:
    """Drives members one after the other, or a group of them where the engine gains by it."""

    def __init__(self, fleet: Fleet[Any], engine: Engine) -> None:
        self._fleet, self._engine = fleet, engine
        self._group: dict[int, Driver] = {}
        self._pace = Pace()
        fleet.enter(self)

    def run(self) -> None:
        """Train until no member is left or the fleet is to stop; an exception stops the fleet."""
        try:
            while self._fill() and not self._fleet.stopping:
                self._advance()
                self._fleet.answer(self, self._states)
        except BaseException as error:
            self._fleet.fail(error)
        finally:
            self._fleet.leave(self)

    def _states(self) -> dict[int, TrainState]:
        """Return the states of the members under way, as they are saved."""
        return {number: driver.saved() for number, driver in self._group.items()}

    def _fill(self) -> bool:
        """Begin members while there is room; return whether there is something to do."""
        while len(self._group) < self._engine.group:
            if (number := self._fleet.take()) is None:
                break
            training = self._fleet.training(number)
            driver = training.driver(self._engine, training.controller(self._fleet.until))
            self._group[number] = driver
            self._fleet.begin(number, driver)
            self._end_if_over(number, driver)
        return bool(self._group)

    def _advance(self) -> None:
        """Do one block of each member of the group, all of one length."""
        numbers, drivers = list(self._group), list(self._group.values())
        each = sum(self._fleet.planned[number].work for number in numbers)
        most = self._pace.epochs(each)
        most = min(driver.controller.length(driver.state, most) for driver in drivers)
        blocks = [driver.begin_block(most) for driver in drivers]
        began = time.perf_counter()
        figures = self._engine.advance_all([driver.session for driver in drivers], blocks)
        seconds = time.perf_counter() - began
        self._pace.measure(most * each, seconds, self._engine.overhead)
        for number, driver, block, metrics in zip(numbers, drivers, blocks, figures, strict=True):
            with suppress(DivergenceError):
                driver.end_block(block, metrics)
            self._end_if_over(number, driver)

    def _end_if_over(self, number: int, driver: Driver) -> None:
        if not self._fleet.is_over(driver.state):
            return
        try:
            result = driver.result()
        except DivergenceError:  # by the last update; the state is now the one before it
            result = driver.result()
        if not result.ended:
            result = replace(result, state=driver.saved())
        del self._group[number]
        if result.ended == "diverged" and self._fleet.restart(number, driver.state):
            return
        self._fleet.end(number, driver.saved, result)
