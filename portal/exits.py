"""The exit codes of the command line, one per family of errors; docs/errors.md lists them per code.

0 done (for `verify`: valid) · 1 invalid · 2 indeterminate · 3 usage or unreadable input · 4 refused or not found ·
5 the installation is not ready or a part does not answer · 70 our own fault (EX_SOFTWARE).
"""

from trust.kernel.errors import (
    Conflict,
    InternalFault,
    InvalidInput,
    MalformedInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotReady,
    RateLimited,
    TooLarge,
    TrustError,
    Unavailable,
)

_TABLE: dict[type[TrustError], int] = {
    MalformedInput: 3,
    InvalidInput: 3,
    TooLarge: 3,
    NotAuthenticated: 4,
    NotAllowed: 4,
    NotFound: 4,
    Conflict: 4,
    RateLimited: 4,
    Unavailable: 5,
    NotReady: 5,
    InternalFault: 70,
    TrustError: 70,
}


def exit_code_of(error: type[TrustError]) -> int:
    """Return the exit code of an error class: that of its family."""
    return next(_TABLE[base] for base in error.__mro__ if base in _TABLE)
