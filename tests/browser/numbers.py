"""Numbers of people and organisations who do not exist: region 119999 is no place, and the letters DEM are ours."""

from itertools import product

from trust.formats.holders import RESIDENT_ID_KIND, USCC_KIND, HolderNumber
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import ResidentId, Uscc

BIRTH_DATE = "1990-03-15"
_USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def resident(sequence: int) -> HolderNumber:
    """Return the resident number of an invented person, of a woman when `sequence` is even (GB 11643)."""
    body = f"119999{BIRTH_DATE.replace('-', '')}{sequence:03d}"
    return HolderNumber(kind=RESIDENT_ID_KIND, number=_first(ResidentId.parse, body, ("0123456789X",)))


def organisation(sequence: int) -> HolderNumber:
    """Return the credit code of an invented enterprise."""
    body = f"91110105DEM{sequence:05d}"
    return HolderNumber(kind=USCC_KIND, number=_first(Uscc.parse, body, (_USCC_CHARACTERS, _USCC_CHARACTERS)))


def _first(parse, body, alphabets):
    """Return `body` with the check characters that its kind wants."""
    for characters in product(*alphabets):
        try:
            return parse(body + "".join(characters)).value
        except TrustError:
            continue
    raise AssertionError(f"{body} has no check characters")
