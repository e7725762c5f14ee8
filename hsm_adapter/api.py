"""The port of a key device, and the custodian that operator commands receive.

A device makes keys inside itself and signs; it decides nothing. Who may sign what, and the ledger entry, are the
guard's business (`hsm_adapter.guard`), which stands before every device. Public and retired keys stay known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef

VerifyAnswer = Callable[[int, bytes], None]
"""Verifies the signature of message number i of a batch; raises `SelfVerificationFailed` when it is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One key pair inside a device: where it lies there, and its public half (DER SubjectPublicKeyInfo).

    `handle` means something to this device alone: a PKCS#11 CKA_ID in hex, the index of an SDF key pair. `label` is
    what the device itself calls it, empty where it has no names.
    """

    handle: str
    algorithm: Algorithm
    public_key: bytes
    label: str = ""


class SigningDevice(Protocol):
    """One piece of hardware, or one software stand-in: it holds key pairs and signs, and knows nothing of purposes.

    Safe to share between threads: it keeps sessions of its own, as many as its profile allows, and every call ends
    within the profile's time-out. Messages go in, as everywhere; what the hardware wants instead (a digest, SM2's e)
    is the adapter's business.
    """

    @property
    def name(self) -> str:
        """The device's name in the settings, which is shown to operators."""
        ...

    @property
    def sessions(self) -> int:
        """How many signatures it makes at the same time."""
        ...

    def holdings(self) -> Sequence[Holding]:
        """Return the key pairs of the closed table that the device holds. Raises `DeviceFailed` and its kinds."""
        ...

    def generate(self, algorithm: Algorithm, *, label: str) -> Holding:
        """Make a key pair inside. Raises `DeviceCannot` where the interface has no such function."""
        ...

    def destroy(self, handle: str) -> None:
        """Destroy a private key. Raises `KeyUnknown`, or `DeviceCannot` where the vendor's tool must do it."""
        ...

    def sign(self, holding: Holding, messages: Sequence[bytes]) -> Sequence[bytes]:
        """Return one DER SEQ{r, s} (or RSA signature) per message, in order, over the sessions that are free.

        Raises `KeyUnknown`, or `DeviceFailed` and its kinds: none of the batch is then of use.
        """
        ...

    def uses(self, handle: str) -> int | None:
        """Return how often the device itself says the key was used; None where it does not count."""
        ...

    def check(self) -> None:
        """Ask the hardware something harmless. Raises `NotReady` or `Unavailable` when signing would fail."""
        ...

    def close(self) -> None:
        """End all sessions; the device may be used again afterwards and opens new ones."""
        ...


class KeyDevice(Protocol):
    """What the guard stands before: all keys of the installation, wherever they lie. No method returns private bytes.

    The software token is one by itself; hardware becomes one behind the catalogue and the pool.
    """

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

    def sign_batch(
        self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "", verify: VerifyAnswer | None = None
    ) -> Sequence[bytes]:
        """Return one signature per message, in order. Raises `KeyUnknown`, `KeyRetired`, or what the hardware raises.

        `lane` is the queue it waits in where devices are busy: each authority has one, and they take turns. `verify`
        is the guard's own check: whoever has several pieces of hardware calls it as soon as a signature is there, from
        any thread, so that a wrong one is replaced by another device's. What was not shown to it the guard checks
        afterwards, so nothing is released unchecked and nothing is checked twice.
        """
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
