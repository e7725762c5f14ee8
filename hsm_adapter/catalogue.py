"""The keys that lie in hardware, as this installation knows them: one sealed file per key, beside the software keys.

A file says what the key is for, its public half and where it lies (`hsm_adapter.keyfile.PlacedKey`). It is sealed like
a private key: whoever can write disk or database cannot give a key another purpose, or another key's public half. A
device is believed only after a proof: it signs something that can be nothing else, and the signature verifies. That
signature stays in here and is worth nothing; the device's own counter of uses is one ahead for each proof.
"""

from collections.abc import Sequence
from dataclasses import replace

from hsm_adapter.api import Holding, SigningDevice
from hsm_adapter.errors import EnrolmentRefused, KeyRetired, KeyUnknown, SelfVerificationFailed
from hsm_adapter.keyfile import MAX_PLACES, Place, PlacedKey
from hsm_adapter.keyfolder import KeyFolder
from hsm_adapter.software import check_label
from trust.kernel.clock import Clock
from trust.kernel.errors import InvalidInput
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState
from trust.signatures import algorithm_of, verify

_PROOF_PREFIX = b"yinxin enrolment proof\x00"  # random bytes alone could be anything; these can be nothing else
_PROOF_BYTES = 32


class Catalogue:
    """Reads and writes the files of the keys in hardware. It signs nothing but proofs."""

    def __init__(self, folder: KeyFolder, clock: Clock, randomness: Randomness) -> None:
        self._folder = folder
        self._clock = clock
        self._randomness = randomness

    def all(self) -> Sequence[PlacedKey]:
        """Return every key with its places, oldest first. Raises `KeyFileBroken` when a file was altered."""
        placed = [one.placed for one in self._folder.all() if one.placed is not None]
        return sorted(placed, key=lambda key: (key.info.created_at, key.info.ref))

    def find(self, ref: KeyRef) -> PlacedKey | None:
        """Return a key with its places, None for a software key. Raises `KeyUnknown`, `KeyFileBroken`."""
        return self._folder.load(ref).placed

    def key(self, ref: KeyRef) -> PlacedKey:
        """Return one key with its places. Raises `KeyUnknown`, `KeyFileBroken`."""
        placed = self.find(ref)
        if placed is None:
            raise KeyUnknown(f"The key {ref} does not lie in hardware.", field="key")
        return placed

    def enrol(self, device: SigningDevice, handle: str, *, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Make a key that the device holds one of this installation; durable when it returns.

        Raises `EnrolmentRefused` (not there, known already), `LabelInvalid`, `SelfVerificationFailed`, or what the
        device raises.
        """
        check_label(label)
        holding = _holding(device, handle)
        if any(key.info.public_key == holding.public_key for key in self.all()):
            raise EnrolmentRefused(f"The key {handle} of {device.name} is known already.", field="handle")
        self._prove(device, holding)
        info = KeyInfo(
            ref=KeyRef(new_id(self._clock, self._randomness)),
            algorithm=holding.algorithm,
            purpose=purpose,
            label=label,
            public_key=holding.public_key,
            created_at=self._clock.now(),
            state=KeyState.ACTIVE,
        )
        self._folder.write(PlacedKey(info=info, places=(Place(device=device.name, handle=handle),)))
        return self.key(info.ref).info  # read back: what was stored is what opens

    def add_place(self, ref: KeyRef, device: SigningDevice, handle: str) -> PlacedKey:
        """Note that another device holds the same key, after a proof.

        Raises `KeyUnknown`, `KeyRetired`, `EnrolmentRefused` (another key, too many places, known there already),
        `SelfVerificationFailed`, or what the device raises.
        """
        key = self.key(ref)
        if key.info.state is not KeyState.ACTIVE:
            raise KeyRetired(f"The key {ref} was retired.", field="key")
        if any(place.device == device.name for place in key.places):
            raise EnrolmentRefused(f"The key {ref} has a place on {device.name} already.", field="device")
        if len(key.places) == MAX_PLACES:
            raise EnrolmentRefused(f"A key lies on at most {MAX_PLACES} devices.", field="device")
        holding = _holding(device, handle)
        if (holding.public_key, holding.algorithm) != (key.info.public_key, key.info.algorithm):
            raise EnrolmentRefused(f"The key {handle} of {device.name} is another key.", field="handle")
        self._prove(device, holding)
        places = (*key.places, Place(device=device.name, handle=handle))
        self._folder.write(replace(key, places=places))
        return self.key(ref)

    def remove_place(self, ref: KeyRef, device: str) -> PlacedKey:
        """Forget one place. The last one of an active key stays. Raises `KeyUnknown`, `EnrolmentRefused`."""
        key = self.key(ref)
        places = tuple(place for place in key.places if place.device != device)
        if key.info.state is KeyState.ACTIVE and not places:
            raise EnrolmentRefused("The last place of an active key is not forgotten; retire the key.", field="device")
        if places != key.places:
            self._folder.write(replace(key, places=places))
        return self.key(ref)

    def retire(self, ref: KeyRef) -> PlacedKey:
        """End the use of a key for good; its places stay until they are destroyed. Raises `KeyUnknown`."""
        key = self.key(ref)
        if key.info.state is KeyState.ACTIVE:
            self._folder.write(replace(key, info=replace(key.info, state=KeyState.RETIRED)))
        return self.key(ref)

    def _prove(self, device: SigningDevice, holding: Holding) -> None:
        message = _PROOF_PREFIX + self._randomness.token(_PROOF_BYTES)
        values = device.sign(holding, (message,))
        try:
            (value,) = values
            verify(holding.algorithm, holding.public_key, message, value)
        except (ValueError, InvalidInput):
            raise SelfVerificationFailed(device=device.name) from None


def _holding(device: SigningDevice, handle: str) -> Holding:
    """Return what lies under a handle. Raises `EnrolmentRefused`, or what the device raises."""
    for holding in device.holdings():
        if holding.handle == handle:
            if algorithm_of(holding.public_key) is not holding.algorithm:
                raise EnrolmentRefused(f"The key {handle} of {device.name} is of another algorithm.", field="handle")
            return holding
    raise EnrolmentRefused(f"The device {device.name} holds no key {handle}.", field="handle")
