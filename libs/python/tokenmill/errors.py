"""What can go wrong, by what a training loop can do about it."""

from __future__ import annotations

import re

import pyarrow as pa
from pyarrow import flight


class TokenmillError(Exception):
    """Anything that this package raises on purpose."""


class InvalidPlan(TokenmillError, ValueError):
    """The plan is refused; `field` says which part of it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class StateMismatch(TokenmillError, ValueError):
    """The state that is loaded belongs to another plan."""


class NotFound(TokenmillError, LookupError):
    """A source is unknown, or was deleted."""


class NotReady(TokenmillError):
    """A source is still being made."""


class DataLoss(TokenmillError):
    """A stored shard is damaged. No row after the damage was given out."""


class CancelledByServer(TokenmillError):
    """Somebody ended the stream with CancelFlightInfo."""


class ServiceUnavailable(TokenmillError, ConnectionError):
    """The service did not answer within the time for retries, or is overloaded."""


# How gRPC's codes come through pyarrow: by type where it has one, else by the code's name in the text.
_BY_CODE = {
    "data loss": DataLoss,
    "DATA_LOSS": DataLoss,
    "aborted": CancelledByServer,
    "failed precondition": NotReady,
    "not found": NotFound,
}


def is_passing(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment."""
    return isinstance(error, (flight.FlightUnavailableError, flight.FlightTimedOutError))


def translated(error: BaseException) -> BaseException:
    """The typed exception for what pyarrow raised; others as they are."""
    if isinstance(error, TokenmillError):
        return error
    text = str(error).split(". Detail:")[0]
    said = text.split("with message: ")[-1] if "with message: " in text else text.split(": ", 1)[-1]
    if is_passing(error):
        return ServiceUnavailable(said)
    if isinstance(error, KeyError):
        return NotFound(said.strip("'\""))
    for code, kind in _BY_CODE.items():
        if code in text:
            return kind(said)
    if isinstance(error, pa.ArrowInvalid):
        field = re.search(r"`([\w.\[\]]+)`:", said)
        return InvalidPlan(said, field=field[1] if field else None)
    if isinstance(error, (pa.ArrowException, flight.FlightError)):
        return TokenmillError(said)
    return error
