"""The port of a key device, and the custodian that operator commands receive.

A device makes keys inside itself and signs; it decides nothing. Who may sign what, and the ledger entry, are the
guard's business (`hsm_adapter.guard`), which stands before every device. Public and retired keys stay known.
"""

from collections.abc import Sequence
from typing import Protocol

from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef


class KeyDevice(Protocol):
    """Something that holds keys: a software token, an HSM. No method returns private bytes (law 1)."""

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first."""
        ...

    def info(self, ref: KeyRef) -> KeyInfo:
        """Return the public facts of one key. Raises `KeyUnknown`."""
        ...

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key inside the device, durable when it returns. Raises `LabelInvalid`."""
        ...

    def retire(self, ref: KeyRef) -> KeyInfo:
        """End the use of a key for good and destroy its private half. Raises `KeyUnknown`."""
        ...

    def sign_batch(self, ref: KeyRef, messages: Sequence[bytes]) -> Sequence[bytes]:
        """Return one DER signature per message, in order. Raises `KeyUnknown`, `KeyRetired`."""
        ...

    def check(self) -> None:
        """Raise `NotReady` or `Unavailable` when signing would fail."""
        ...


class Custodian:
    """Makes and retires keys and cannot sign: it implements `trust.keys.KeyCustodian`."""

    def __init__(self, device: KeyDevice) -> None:
        self._device = device

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key inside the device and return its public facts. Raises `LabelInvalid`."""
        return self._device.generate(algorithm=algorithm, purpose=purpose, label=label)

    def retire(self, key: KeyRef) -> KeyInfo:
        """End the use of a key for good. Raises `KeyUnknown`."""
        return self._device.retire(key)

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first."""
        return self._device.keys()
