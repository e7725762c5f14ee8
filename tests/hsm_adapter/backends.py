"""The backends of the contract: each is one entry of `BACKENDS`, with a way to make keys, and its faults."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from hsm_adapter.api import KeyDevice, SigningDevice
from hsm_adapter.catalogue import Catalogue
from hsm_adapter.hardware import HardwareCustodian, HardwareToken
from hsm_adapter.pkcs11.binding import NativeCryptoki
from hsm_adapter.pkcs11.device import Pkcs11Device
from hsm_adapter.pkcs11.return_values import NUMBERS, failure
from hsm_adapter.pool.outages import Outages
from hsm_adapter.pool.pool import DevicePool
from hsm_adapter.software import open_key_folder
from tests.fakes import FixedClock
from tests.hsm_adapter.building import token_folder, write_passphrase
from tests.hsm_adapter.pkcs11.building import soft_profile
from tests.hsm_adapter.sdf.building import SoftDevice, soft_device
from tests.hsm_adapter.softhsm import make_token
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyInfo, KeyPurpose

SOON = 0.5  # a time-out, seconds: long enough for what answers, short enough to wait for what does not


@dataclass
class Backend:
    """A device to judge, how its keys are made, and its faults.

    `gone` and `wrong_pin` tell the code that each fault must have. `unplug_after` makes it fail after some
    signatures, `lie` makes each signature wrong, `hang` holds it up, `with_wrong_pin` opens it anew with another PIN.
    """

    device: KeyDevice
    make: Callable[[Algorithm, KeyPurpose, str], KeyInfo]
    unplug_after: Callable[[int], None]
    lie: Callable[[], None]
    with_wrong_pin: Callable[[], KeyDevice]
    gone: str
    wrong_pin: str
    hang: Callable[[], AbstractContextManager[None]] | None = None
    hung: str = ""
    in_pool: bool = True
    close: list[Callable[[], None]] = field(default_factory=list)


def software(base: Path, _library: Path) -> Backend:
    """The software token, which has no cable: its file vanishes. It lies when the bytes behind its back are bent."""
    folder = token_folder(base)
    token = folder.open()
    lying: list[bool] = []
    honest = token.sign_batch

    def vanish(_count: int) -> None:
        for path in folder.path.glob("0*.json"):
            path.unlink()

    def sign_batch(*given: Any, **named: Any) -> Sequence[bytes]:
        values = honest(*given, **named)
        return [value[:-1] + bytes([value[-1] ^ 1]) for value in values] if lying else values

    def with_wrong_pin() -> KeyDevice:
        write_passphrase(folder.passphrase, b"wrong horse")
        return folder.open()

    token.sign_batch = sign_batch  # type: ignore[method-assign]
    return Backend(
        device=token,
        make=lambda algorithm, purpose, label: token.generate(algorithm=algorithm, purpose=purpose, label=label),
        unplug_after=vanish,
        lie=lambda: lying.append(True),
        with_wrong_pin=with_wrong_pin,
        gone="key-unknown",
        wrong_pin="token-passphrase-wrong",
        in_pool=False,
    )


@dataclass
class Bent:
    """SoftHSM2's library with faults in between: it implements `Cryptoki`."""

    native: NativeCryptoki
    lying: bool = False
    left: int | None = None
    gate: Event | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    def open(self, *, writing: bool) -> "BentSession":
        return BentSession(self, self.native.open(writing=writing))


@dataclass
class BentSession:
    """One of its sessions."""

    owner: Bent
    native: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.native, name)

    def sign(self, key: Any, mechanism: int, data: bytes) -> bytes:
        if self.owner.gate is not None:
            self.owner.gate.wait()
        if self.owner.left is not None:
            self.owner.left -= 1
            if self.owner.left < 0:
                raise failure(NUMBERS["CKR_DEVICE_REMOVED"])
        made: bytes = self.native.sign(key, mechanism, data)
        return made[:-1] + bytes([made[-1] ^ 1]) if self.owner.lying else made


def softhsm(base: Path, _library: Path) -> Backend:
    token = make_token(base)
    profile = soft_profile(token, base, timeout_seconds=5)  # SoftHSM2 makes an RSA key in a second
    cryptoki = Bent(NativeCryptoki(profile))
    house = House(base, Pkcs11Device(profile, SystemRandomness(), cryptoki=cryptoki))  # type: ignore[arg-type]

    def with_wrong_pin() -> KeyDevice:
        for close in house.close:  # a log-in counts for the whole process: it ends with the last session
            close()
        token.pin_file.write_text("0000\n")
        return house.again(Pkcs11Device(profile, SystemRandomness()))

    @contextmanager
    def hang() -> Iterator[None]:
        cryptoki.gate = gate = Event()
        try:
            yield
        finally:
            cryptoki.gate = None
            gate.set()

    return Backend(
        device=house.token,
        make=house.generate,
        unplug_after=lambda count: setattr(cryptoki, "left", count),
        lie=lambda: setattr(cryptoki, "lying", True),
        with_wrong_pin=with_wrong_pin,
        gone="pkcs11-device-removed",
        wrong_pin="pkcs11-pin-incorrect",
        hang=hang,
        hung="pkcs11-timed-out",
        close=house.close,
    )


def sdf(base: Path, library: Path) -> Backend:
    hardware = soft_device(base / "sdf", library)
    opening = {"keys": list(range(1, 9)), "timeout_seconds": SOON}
    house = House(base, hardware.open(**opening))

    def with_wrong_pin() -> KeyDevice:
        hardware.put("profile-password", "not-the-password")
        return house.again(hardware.open(**opening))

    return Backend(
        device=house.token,
        make=SdfKeys(hardware, house),
        unplug_after=lambda count: hardware.put("unplug-after", count),
        lie=lambda: hardware.put("wrong-signature"),
        with_wrong_pin=with_wrong_pin,
        gone="sdf-communication-failed",
        wrong_pin="sdf-locked-out",
        hang=lambda: hardware.hanging("SDF_InternalSign_ECC"),
        hung="sdf-timed-out",
        close=house.close,
    )


class SdfKeys:
    """Keys made with the vendor's tool, one index after the other, and enrolled."""

    def __init__(self, hardware: SoftDevice, house: "House") -> None:
        self._hardware = hardware
        self._house = house
        self._index = 0

    def __call__(self, _algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        self._index += 1
        self._hardware.add_key(self._index)
        return self._house.custodian.enrol(self._house.name, str(self._index), purpose=purpose, label=label)


class House:
    """A device behind catalogue and pool, as the service has it."""

    def __init__(self, base: Path, device: SigningDevice) -> None:
        self._base = base
        self._files = token_folder(base)
        self.name = device.name
        self.close: list[Callable[[], None]] = []
        self.token, self.custodian = self._over(device)

    def generate(self, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        return self.custodian.generate(algorithm=algorithm, purpose=purpose, label=label, device=self.name)

    def again(self, device: SigningDevice) -> HardwareToken:
        """The same keys, as the next process opens them with this device."""
        return self._over(device)[0]

    def _over(self, device: SigningDevice) -> tuple[HardwareToken, HardwareCustodian]:
        randomness, clock = SystemRandomness(), FixedClock()
        folder = open_key_folder(self._files.path, self._files.passphrase, randomness=randomness)
        pool = DevicePool([device], outages=Outages(self._base / "outages", randomness), clock=clock)
        self.close.append(pool.close)
        catalogue = Catalogue(folder, clock, randomness)
        token = HardwareToken(None, catalogue, pool)
        return token, HardwareCustodian(token, catalogue, pool)


BACKENDS: dict[str, tuple[Callable[[Path, Path], Backend], tuple[Algorithm, ...]]] = {
    "software": (software, tuple(Algorithm)),
    "softhsm2": (softhsm, (Algorithm.ECDSA_P256_SHA256, Algorithm.RSA_PKCS1_SHA256)),
    "sdf": (sdf, (Algorithm.SM2_SM3,)),
}
