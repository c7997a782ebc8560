"""What may be wrong with a function as a whole, and the exception for a call without gradients."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a function as a whole: the end of the finding's id, `call.raises`."""

    PARAMETERS = "parameters"
    RAISES = "raises"
    EXITS = "exits"
    """It raises what is no `Exception`, such as SystemExit."""
    RAISES_UNPRINTABLE = "raises_unprintable"
    TIMEOUT = "timeout"
    BLOCKED = "blocked"
    """It does not return, and holds the interpreter meanwhile."""
    PROCESS_ENDED = "process_ended"
    NO_RESULT = "no_result"
    RETURNS_NOTHING = "returns_nothing"
    NO_GRADIENT = "no_gradient"
    NOT_NUMBERS = "not_numbers"
    LAYERS_EXCHANGED = "layers_exchanged"
    FLATTENED = "flattened"
    NOT_REPEATABLE = "not_repeatable"
    KEEPS_STATE = "keeps_state"
    CHANGES_INPUTS = "changes_inputs"


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
