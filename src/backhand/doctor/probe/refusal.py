"""What may be wrong with a function as a whole, and the exception for a call without gradients.

Which of it is wrong, and which is not judged: a function is *wrong* if it does what no caller can
use, whatever the network: it raises, does not return, ends the process, needs all the memory,
returns nothing. It is *not judged* if no value of it was compared, and that may be no fault of the
code: the file could not be run here, the function is not written yet, the doctor does not know what
its parameters or its results are, or the check itself did not finish.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a function as a whole: the end of the finding's id, `call.raises`."""

    IMPORT_RAISES = "import_raises"
    """The file, or the cell of a notebook, raises: a syntax error, a module that is missing."""
    IMPORT_ENDS = "import_ends"
    IMPORT_TIMEOUT = "import_timeout"
    NOT_FOUND = "not_found"
    """There is no such function, in one of many files that are graded."""
    NOT_WRITTEN = "not_written"
    PARAMETERS = "parameters"
    """A parameter is not understood."""
    UNFINISHED = "unfinished"
    """The check did not finish, though no single call took too long; or the doctor failed."""
    RAISES = "raises"
    EXITS = "exits"
    """It raises what is no `Exception`, such as SystemExit."""
    RAISES_UNPRINTABLE = "raises_unprintable"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    """It does not return, and holds the interpreter meanwhile."""
    PROCESS_ENDED = "process_ended"
    MEMORY = "memory"
    NO_RESULT = "no_result"
    RETURNS_NOTHING = "returns_nothing"
    NO_GRADIENT = "no_gradient"
    RETURNS_INPUTS = "returns_inputs"
    """The parameters come back as they were given."""
    FINITE_DIFFERENCES = "finite_differences"
    """The gradients are differences of the loss: there is no backward pass to judge."""
    NOT_NUMBERS = "not_numbers"
    LAYERS_EXCHANGED = "layers_exchanged"
    FLATTENED = "flattened"
    NOT_REPEATABLE = "not_repeatable"
    KEEPS_STATE = "keeps_state"
    CHANGES_INPUTS = "changes_inputs"


NOT_JUDGED = frozenset(
    {
        Reason.IMPORT_RAISES,
        Reason.IMPORT_ENDS,
        Reason.IMPORT_TIMEOUT,
        Reason.NOT_FOUND,
        Reason.NOT_WRITTEN,
        Reason.PARAMETERS,
        Reason.UNFINISHED,
        Reason.NO_GRADIENT,
        Reason.FINITE_DIFFERENCES,
    }
)
"""Reasons for which a function is not judged, if no call gave gradients; all others are wrong."""


class Refusal(Exception):
    """A call that gave no gradients.

    Attributes
    ----------
    reason : Reason
    clause : str
        What happened, as a clause.
    """

    def __init__(self, reason: Reason, clause: str) -> None:
        super().__init__(clause)
        self.reason, self.clause = reason, clause
