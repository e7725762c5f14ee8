"""The calls of PKCS#11 that the adapter makes, as a port: `binding` has them from python-pkcs11, tests from themselves.

Numbers are those of pkcs11t.h (2.40). Attribute values are the bytes that the device sees and returns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final, Protocol

CKA_CLASS: Final = 0x000
CKA_TOKEN: Final = 0x001
CKA_PRIVATE: Final = 0x002
CKA_LABEL: Final = 0x003
CKA_KEY_TYPE: Final = 0x100
CKA_ID: Final = 0x102
CKA_SENSITIVE: Final = 0x103
CKA_ENCRYPT: Final = 0x104
CKA_DECRYPT: Final = 0x105
CKA_WRAP: Final = 0x106
CKA_UNWRAP: Final = 0x107
CKA_SIGN: Final = 0x108
CKA_VERIFY: Final = 0x10A
CKA_DERIVE: Final = 0x10C
CKA_MODULUS: Final = 0x120
CKA_MODULUS_BITS: Final = 0x121
CKA_PUBLIC_EXPONENT: Final = 0x122
CKA_EXTRACTABLE: Final = 0x162
CKA_EC_PARAMS: Final = 0x180
CKA_EC_POINT: Final = 0x181

CKO_PUBLIC_KEY: Final = 2
CKO_PRIVATE_KEY: Final = 3
CKK_RSA: Final = 0x000

CKM_RSA_PKCS_KEY_PAIR_GEN: Final = 0x0000
CKM_RSA_PKCS: Final = 0x0001
CKM_SHA256_RSA_PKCS: Final = 0x0040
CKM_EC_KEY_PAIR_GEN: Final = 0x1040
CKM_ECDSA: Final = 0x1041


class TokenFlags(IntFlag):
    """The flags of CK_TOKEN_INFO that the adapter reads (section 3.2)."""

    WRITE_PROTECTED = 0x2
    USER_PIN_INITIALIZED = 0x8
    USER_PIN_COUNT_LOW = 0x10000
    USER_PIN_FINAL_TRY = 0x20000
    USER_PIN_LOCKED = 0x40000
    ERROR_STATE = 0x1000000


Template = Mapping[int, bytes]
KeyObject = Any
"""A key object of one session: what the binding makes of it is its own business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What C_GetTokenInfo said last."""

    label: str
    serial: str
    flags: TokenFlags


class Session(Protocol):
    """One session with the token. Not shared between threads. Each method raises what `return_values` says."""

    def login(self, pin: bytes) -> None:
        """C_Login as CKU_USER; that the user is logged in already is as good."""
        ...

    def find(self, template: Template) -> Sequence[KeyObject]:
        """C_FindObjectsInit, C_FindObjects until there is none, C_FindObjectsFinal."""
        ...

    def read(self, key: KeyObject, attribute: int) -> bytes | None:
        """C_GetAttributeValue; None where the object has no such attribute or does not show it."""
        ...

    def generate(self, mechanism: int, public: Template, private: Template) -> tuple[KeyObject, KeyObject]:
        """C_GenerateKeyPair."""
        ...

    def sign(self, key: KeyObject, mechanism: int, data: bytes) -> bytes:
        """C_SignInit and C_Sign."""
        ...

    def destroy(self, key: KeyObject) -> None:
        """C_DestroyObject."""
        ...

    def random(self, size: int) -> bytes:
        """C_GenerateRandom."""
        ...

    def close(self) -> None:
        """C_CloseSession; never C_Logout, which would log out all sessions of the process."""
        ...


class Cryptoki(Protocol):
    """A library with the one token that the profile names."""

    def token(self) -> TokenInfo:
        """C_GetSlotList, C_GetSlotInfo and C_GetTokenInfo, afresh. Raises `DeviceRemoved`, `LibraryUnusable`."""
        ...

    def open(self, *, writing: bool) -> Session:
        """C_OpenSession. Raises `DeviceRemoved`, `SessionsExhausted` and others."""
        ...
