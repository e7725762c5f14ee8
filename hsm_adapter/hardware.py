"""All keys of the installation as one `KeyDevice`: software keys by the token, keys in hardware by catalogue and pool.

Migration is key by key: both kinds lie in one folder, and a service never learns which it uses.
"""

from collections.abc import Mapping, Sequence

import structlog

from hsm_adapter.api import Holding, VerifyAnswer
from hsm_adapter.catalogue import Catalogue
from hsm_adapter.errors import DeviceCannot, KeyRetired, KeyUnknown, SoftwareKeysRefused
from hsm_adapter.keyfile import Place, PlacedKey
from hsm_adapter.pool.health import DeviceHealth
from hsm_adapter.pool.pool import DevicePool
from hsm_adapter.software import SoftwareToken, check_label
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

_log = structlog.get_logger("hsm_adapter.hardware")


class HardwareToken:
    """A `KeyDevice` over everything. `software` is None where software keys are refused."""

    def __init__(self, software: SoftwareToken | None, catalogue: Catalogue, pool: DevicePool) -> None:
        self._software = software
        self._catalogue = catalogue
        self._pool = pool

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first. Raises `KeyFileBroken` when a file was altered."""
        infos = [key.info for key in self._catalogue.all()]
        infos += self._software.keys() if self._software else ()
        return sorted(infos, key=lambda info: (info.created_at, info.ref))

    def info(self, ref: KeyRef) -> KeyInfo:
        """Return the public facts of one key. Raises `KeyUnknown`, `SoftwareKeysRefused`, `KeyFileBroken`."""
        key = self._catalogue.find(ref)
        return key.info if key is not None else self._in_software().info(ref)

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str, device: str | None = None) -> KeyInfo:
        """Make a key: inside `device`; without one in software, or where that is refused in the first that can.

        A process that ends in between leaves a key in the device that nobody knows: it is listed by its holdings.
        Raises `LabelInvalid`, `DeviceUnknown`, `DeviceCannot`, `SelfVerificationFailed`, or what the device raises.
        """
        if device is None and self._software is not None:
            return self._software.generate(algorithm=algorithm, purpose=purpose, label=label)
        check_label(label)
        refusal: TrustError = SoftwareKeysRefused()
        for name in [device] if device is not None else self._pool.names:
            chosen = self._pool.device(name)
            try:
                holding = chosen.generate(algorithm, label=label)
            except DeviceCannot as error:
                refusal = error
                continue
            return self._catalogue.enrol(chosen, holding.handle, purpose=purpose, label=label)
        raise refusal

    def retire(self, ref: KeyRef) -> KeyInfo:
        """End the use of a key for good and destroy its private halves wherever the devices do that themselves.

        The end is durable first. A place that remains (`places`) is for the vendor's tool, or for a further call of
        this. Raises `KeyUnknown`, `KeyFileBroken`.
        """
        if self._catalogue.find(ref) is None:
            return self._in_software().retire(ref)
        key = self._catalogue.retire(ref)
        for place in key.places:
            if self._destroyed(place):
                key = self._catalogue.remove_place(ref, place.device)
        return key.info

    def sign_batch(
        self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "", verify: VerifyAnswer | None = None
    ) -> Sequence[bytes]:
        """Return one signature per message, in order.

        Raises `KeyUnknown`, `KeyRetired`, `SigningBusy`, `DevicesUnavailable`, `DevicesOutOfService`, or what the last
        device that could be asked raised.
        """
        key = self._catalogue.find(ref)
        if key is None:
            return self._in_software().sign_batch(ref, messages, lane=lane, verify=verify)
        if key.info.state is not KeyState.ACTIVE:
            raise KeyRetired(f"The key {ref} was retired.", field="key")
        return self._pool.sign(key.places, _holding(key, key.places[0]), messages, lane=lane, verify=verify)

    def check(self) -> None:
        """Ask every device, then raise what keeps an active key from signing, if anything does."""
        if self._software is not None:
            self._software.check()
        self._pool.check()
        for key in self._catalogue.all():
            refusal = self._pool.refusal(key.places) if key.info.state is KeyState.ACTIVE else None
            if refusal is not None:
                raise refusal

    def _destroyed(self, place: Place) -> bool:
        try:
            self._pool.device(place.device).destroy(place.handle)
        except KeyUnknown:
            return True
        except TrustError as error:
            _log.warning("key-not-destroyed", device=place.device, handle=place.handle, code=error.code)
            return False
        return True

    def _in_software(self) -> SoftwareToken:
        if self._software is None:
            raise SoftwareKeysRefused
        return self._software


class HardwareCustodian:
    """What operator commands receive: it makes, enrols, places and retires keys and looks at devices; it cannot sign.

    It implements `trust.keys.KeyCustodian`.
    """

    def __init__(self, token: HardwareToken, catalogue: Catalogue, pool: DevicePool) -> None:
        self._token = token
        self._catalogue = catalogue
        self._pool = pool

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str, device: str | None = None) -> KeyInfo:
        """Make a key. Raises as `HardwareToken.generate`."""
        return self._token.generate(algorithm=algorithm, purpose=purpose, label=label, device=device)

    def retire(self, key: KeyRef) -> KeyInfo:
        """End the use of a key for good. Raises as `HardwareToken.retire`."""
        return self._token.retire(key)

    def keys(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first."""
        return self._token.keys()

    def enrol(self, device: str, handle: str, *, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key that a device holds one of this installation. Raises as `Catalogue.enrol`, `DeviceUnknown`."""
        return self._catalogue.enrol(self._pool.device(device), handle, purpose=purpose, label=label)

    def add_place(self, ref: KeyRef, device: str, handle: str) -> Sequence[Place]:
        """Note that another device holds the same key. Raises as `Catalogue.add_place`, `DeviceUnknown`."""
        return self._catalogue.add_place(ref, self._pool.device(device), handle).places

    def remove_place(self, ref: KeyRef, device: str) -> Sequence[Place]:
        """Forget one place, such as a device that was taken away. Raises as `Catalogue.remove_place`."""
        return self._catalogue.remove_place(ref, device).places

    def places(self, ref: KeyRef) -> Sequence[Place]:
        """Return where a key lies; nothing for a software key; what is still to be destroyed for a retired one."""
        key = self._catalogue.find(ref)
        return key.places if key is not None else ()

    def devices(self) -> Sequence[str]:
        """Return the names of the devices."""
        return self._pool.names

    def holdings(self, device: str) -> Sequence[Holding]:
        """Return what a device holds, known here or not. Raises `DeviceUnknown`, or what the device raises."""
        return self._pool.device(device).holdings()

    def uses(self, ref: KeyRef) -> Mapping[str, int | None]:
        """Return for each place of a key how often the device says it was used; None where it does not count.

        Fail-over and proofs of enrolment use a key without an entry in the ledger: a device may be ahead of it by
        these, and is never behind.
        """
        return {place.device: self._pool.device(place.device).uses(place.handle) for place in self.places(ref)}

    def health(self) -> Sequence[DeviceHealth]:
        """Return the figures of every device, as this process knows them."""
        return self._pool.health()

    def ask_devices(self) -> Sequence[DeviceHealth]:
        """Ask every device that is in service whether it is well, and return how each is; raises nothing of theirs."""
        self._pool.check()
        return self._pool.health()

    def reinstate(self, device: str) -> None:
        """Bring a device back that waited for an operator, in every process. Raises `DeviceUnknown`."""
        self._pool.reinstate(device)


def _holding(key: PlacedKey, place: Place) -> Holding:
    return Holding(handle=place.handle, algorithm=key.info.algorithm, public_key=key.info.public_key)
