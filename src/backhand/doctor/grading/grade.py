"""Checking submissions, each in a process of its own, several at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from backhand.doctor.apart.check_process import COMPARING, CheckProcess
from backhand.doctor.grading.borrowed import remarks_on
from backhand.doctor.grading.points import earned
from backhand.doctor.grading.submissions import Submission
from backhand.doctor.probe.refusal import Reason, Refusal
from backhand.doctor.report.report import Report
from backhand.doctor.report.wording import refused
from backhand.errors import BackhandError, InputError
from backhand.support.system.machine import cores

SECONDS = 5.0
"""For the import of a file, and for a call."""

WHOLE = 6
"""Limit of all calls together, in multiples of `seconds`; comparing has a limit of its own."""

MEMORY = 2**30


class Graded(NamedTuple):
    """A submission, its report, its points by equation, what it borrowed, and the most points."""

    submission: Submission
    report: Report
    points: Mapping[str, float]
    borrowed: Sequence[str]
    most: Mapping[str, float] = MappingProxyType({})

    @property
    def total(self) -> float:
        """The sum of the points."""
        return sum(self.points.values())

    @property
    def ids(self) -> str:
        """The ids of the findings."""
        return " ".join(finding.id for finding in self.report.findings)

    @property
    def wrong(self) -> str:
        """The equations that are wrong; for the function as a whole, in a few words, what is."""
        names = dict.fromkeys(
            finding.id.removeprefix("call.").replace("_", " ")
            if finding.equation == "call" else finding.equation
            for finding in self.report.findings
        )  # fmt: skip
        return ", ".join(names)


def shown_names(graded: Sequence[Graded]) -> dict[Submission, str]:
    """How each submission is listed: its file, and the function where a file has several."""
    times = Counter(one.submission.file for one in graded)
    return {one.submission: one.submission.named if times[one.submission.file] > 1
            else one.submission.file for one in graded}  # fmt: skip


class Grading:
    """Submissions that are checked at the same time; the context's end kills what still runs.

    Parameters
    ----------
    points : mapping of str to float
        Points for each equation.
    jobs : int, optional
        How many at once; by default as many as there are CPUs.
    seconds : float
        Time limit for importing a file, and for each call.
    memory : int
        Bytes that each may allocate.
    **options
        As for `check`.
    """

    def __init__(
        self, points: Mapping[str, float], *, jobs: int | None = None, seconds: float = SECONDS,
        memory: int = MEMORY, **options: Any,
    ) -> None:  # fmt: skip
        self.points, self.seconds = dict(points), seconds
        self.options = {
            "memory": memory,
            "whole": WHOLE * seconds + COMPARING,
            "autograd": False,
            **options,
        }
        self.pool = ThreadPoolExecutor(jobs or len(cores()))
        self.running: set[CheckProcess] = set()
        self.ended = False

    def __enter__(self) -> Grading:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True
        self.pool.shutdown(wait=False, cancel_futures=True)
        for process in list(self.running):
            process.end()
        self.pool.shutdown()

    def graded(self, submissions: Sequence[Submission]) -> Iterator[Graded]:
        """Grade submissions, and yield each when its check has ended."""
        futures: list[Future[Graded]] = [
            self.pool.submit(self._grade, submission) for submission in submissions
        ]
        for future in as_completed(futures):
            yield future.result()

    def _grade(self, submission: Submission) -> Graded:
        began = time.perf_counter()
        try:
            with CheckProcess(submission.named, seconds=self.seconds, **self.options) as apart:
                self.running.add(apart)
                if self.ended:
                    apart.end()
                try:
                    report = apart.report()
                finally:
                    self.running.discard(apart)
        except BackhandError as error:
            reason = Reason.NOT_FOUND if isinstance(error, InputError) else Reason.UNFINISHED
            refusal = Refusal(reason, f"not called: {error!s}")
            report = refused(submission.function, refusal, time.perf_counter() - began)
        borrowed = remarks_on(submission.file)
        said = [f"the file {remark}." for remark in borrowed]
        report = replace(report, remarks=[*report.remarks, *said])
        return Graded(submission, report, earned(report, self.points), borrowed,
                      self.points)  # fmt: skip
