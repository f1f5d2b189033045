"""Training batches from Tokenmill over Arrow Flight: one global order, one integer to resume from."""

from pkgutil import extend_path

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

# Code generated from the protos lies in a package of the same name: with this, both can be imported together.
__path__ = extend_path(__path__, __name__)

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
