"""Opens all keys of an installation, software and hardware: one part to sign with, one for operator commands."""

from dataclasses import dataclass
from pathlib import Path

from hsm_adapter.api import SigningDevice
from hsm_adapter.catalogue import Catalogue
from hsm_adapter.hardware import HardwareCustodian, HardwareToken
from hsm_adapter.pool.outages import Outages
from hsm_adapter.pool.pool import DevicePool
from hsm_adapter.profiles import open_devices
from hsm_adapter.software import check_software_keys, open_key_folder, software_token
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """Where everything about keys lies.

    `folder` holds the key files; `devices_file` describes the hardware, None where there is none; `state_folder` is
    for what must outlive a process: which device refused a PIN or is out of service. It is made when it is needed.
    """

    folder: Path
    passphrase_file: Path
    devices_file: Path | None
    state_folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedKeys:
    """The device for the guard, the custodian for operator commands, and the pool, which is closed at the end."""

    token: HardwareToken
    custodian: HardwareCustodian
    pool: DevicePool


def open_keys(files: KeyFiles, *, clock: Clock, randomness: Randomness, production: bool, allowed: bool) -> OpenedKeys:
    """Open the key files and the devices; no hardware is touched yet, and no thread started.

    In production software keys work only when they are `allowed`; with hardware the others then work all the same.
    Raises `SoftwareKeysRefused` (in production, not allowed, no hardware), `DevicesFileInvalid` or what a backend says
    of its entries, and as `open_key_folder`. Warns `InsecureSignerWarning` where software keys work.
    """
    refused = production and not allowed
    if files.devices_file is None:
        check_software_keys(production=production, allowed=allowed)
        devices: tuple[SigningDevice, ...] = ()
    else:
        devices = open_devices(files.devices_file, state_folder=files.state_folder, randomness=randomness)
    folder = open_key_folder(files.folder, files.passphrase_file, randomness=randomness)
    software = None if refused else software_token(folder, clock, randomness)
    catalogue = Catalogue(folder, clock, randomness)
    pool = DevicePool(devices, outages=Outages(files.state_folder, randomness), clock=clock)
    token = HardwareToken(software, catalogue, pool)
    return OpenedKeys(token=token, custodian=HardwareCustodian(token, catalogue, pool), pool=pool)
