"""Training batches from Tokenmill over Arrow Flight: one global order, one integer to resume from."""

from .batches import IGNORE_INDEX
from .dataset import TokenDataset
from .errors import (
    CancelledByServer,
    DataLoss,
    InvalidPlan,
    NotFound,
    NotReady,
    ServiceUnavailable,
    StateMismatch,
    TokenmillError,
)
from .plan import ReadPlan

__all__ = [
    "IGNORE_INDEX",
    "CancelledByServer",
    "DataLoss",
    "InvalidPlan",
    "NotFound",
    "NotReady",
    "ReadPlan",
    "ServiceUnavailable",
    "StateMismatch",
    "TokenDataset",
    "TokenmillError",
]
