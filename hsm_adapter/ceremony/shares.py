"""The secret that opens a root key, as words on paper: Shamir's shares in the form of SLIP-39.

One group of n shares, any m of which give back 32 bytes; 33 words each of a list of 1024, with a checksum that finds
up to three wrong words. `shamir-mnemonic` is the reference code of SLIP-39. Its errors quote words, so none is let out.
"""

from dataclasses import dataclass, field

from shamir_mnemonic import EncryptedMasterSecret, MnemonicError, Share, recover_ems, split_ems
from shamir_mnemonic.shamir import ShareGroup

from hsm_adapter.ceremony.errors import ShareMistyped, ShareOfAnotherCeremony, ShareRepeated, SharesTooFew, SharesWrong
from trust.kernel.randomness import Randomness

SECRET_BYTES = 32
"""Length of the secret: the key of the SecretBox itself, so that nothing has to be stretched."""

WORDS = 33
"""Words of one share of a secret of `SECRET_BYTES`."""

MAX_TYPED_CHARACTERS = 1000
"""Longest line that is taken for a share, characters: 33 words of at most 8 letters, with room for spaces."""

_SET_BITS = 15  # SLIP-39: the identifier that all shares of one secret begin with
_ITERATION_EXPONENT = 0  # it slows the guessing of a SLIP-39 passphrase, and there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSecret:
    """The shares of one secret, the first for custodian 1; `share_set` is the number that they all bear."""

    share_set: int
    shares: tuple[tuple[str, ...], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedShare:
    """A share as it was typed: whole, its checksum right. `number` is its custodian's."""

    number: int
    share_set: int
    threshold: int
    share: Share = field(repr=False)


def split(secret: bytes, *, threshold: int, shares: int, randomness: Randomness) -> SplitSecret:
    """Split `SECRET_BYTES` bytes; the polynomials come from the operating system's generator.

    Raises `ValueError` when threshold or number are not 2 ≤ threshold ≤ shares ≤ 16 (`Terms` sees to it).
    """
    share_set = int.from_bytes(randomness.token(2), "big") & ((1 << _SET_BITS) - 1)
    sealed = EncryptedMasterSecret.from_master_secret(secret, b"", share_set, True, _ITERATION_EXPONENT)
    group = split_ems(1, [(threshold, shares)], sealed)[0]
    return SplitSecret(share_set=share_set, shares=tuple(tuple(share.words()) for share in group))


def parse_share(typed: str) -> TypedShare:
    """Read what a custodian typed. Raises `ShareMistyped`, which quotes nothing of it."""
    share = _parsed(typed)
    if share is None or (share.group_count, len(share.value)) != (1, SECRET_BYTES):
        raise ShareMistyped(field="share")
    return TypedShare(number=share.index + 1, share_set=share.identifier, threshold=share.member_threshold, share=share)


def check_share(typed: TypedShare, *, share_set: int, before: tuple[TypedShare, ...]) -> TypedShare:
    """Return a share of this set that was not typed yet. Raises `ShareOfAnotherCeremony`, `ShareRepeated`."""
    if typed.share_set != share_set:
        raise ShareOfAnotherCeremony(field="share")
    if any(typed.share.index == other.share.index for other in before):
        raise ShareRepeated(field="share")
    if any(typed.share.group_parameters() != other.share.group_parameters() for other in before):
        raise ShareOfAnotherCeremony(field="share")
    return typed


def combine(shares: tuple[TypedShare, ...], *, threshold: int) -> bytearray:
    """Return the secret; the caller overwrites it after use. Raises `SharesTooFew`, `SharesWrong`."""
    if len(shares) < threshold:
        raise SharesTooFew(f"{threshold} custodians are needed, {len(shares)} typed their share.", field="share")
    secret = _recovered(shares[:threshold])
    if secret is None:
        raise SharesWrong(field="share")
    return secret


def wipe(secret: bytearray) -> None:
    """Overwrite a secret. What Python and libraries copied on the way stays until that memory is used again."""
    secret[:] = bytes(len(secret))


def _parsed(typed: str) -> Share | None:
    """None instead of an error: no traceback, not even a suppressed one, holds the words."""
    if len(typed) > MAX_TYPED_CHARACTERS or len(typed.split()) != WORDS:
        return None
    try:
        return Share.from_mnemonic(" ".join(typed.lower().split()))
    except (MnemonicError, ValueError):
        return None


def _recovered(shares: tuple[TypedShare, ...]) -> bytearray | None:
    group = ShareGroup()
    try:
        for typed in shares:
            group.add(typed.share)
        return bytearray(recover_ems({0: group}).decrypt(b""))
    except (MnemonicError, ValueError):
        return None
