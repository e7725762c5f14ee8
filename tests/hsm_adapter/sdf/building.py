"""Builds the software SDF device (device.c) and stands beside it as its operator would."""

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hsm_adapter.sdf.device import SdfDevice
from hsm_adapter.sdf.profile import SdfProfile
from trust.gm import sm2
from trust.gm.encoding import decode_pkcs8

SOURCES = Path(__file__).parent
PASSWORD = b"password-of-the-keys"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")


def compile_c(output: Path, *arguments: str) -> Path:
    """Run the C compiler, or skip with the reason: no compiler, or no headers of OpenSSL."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler `cc` to build the software SDF device with")
    done = subprocess.run(
        ["cc", *FLAGS, "-o", output, *arguments], cwd=SOURCES, capture_output=True, text=True, check=False
    )
    if "openssl/" in done.stderr and "No such file" in done.stderr:
        pytest.skip("no headers of OpenSSL (Debian: libssl-dev) to build the software SDF device with")
    assert done.returncode == 0, done.stderr
    return output


def build_library(folder: Path) -> Path:
    return compile_c(folder / "libsdf.so", "-shared", "-fPIC", "device.c", "sm2.c", "-lcrypto", "-ldl", "-lpthread")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDevice:
    """One software device: the folder that holds its library, its keys and what makes it misbehave."""

    folder: Path

    def put(self, name: str, content: str | bytes | int = "1") -> None:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
        path.chmod(0o600)

    def take(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text().strip()

    def add_key(self, index: int, pkcs8: bytes | None = None) -> bytes:
        """Put a key pair at `index`, a new one unless `pkcs8` is given; return its SubjectPublicKeyInfo."""
        pkcs8 = pkcs8 or sm2.PrivateKey.generate().to_pkcs8()
        self.put(f"key-{index}", decode_pkcs8(pkcs8).scalar.hex())
        return sm2.PrivateKey.from_pkcs8(pkcs8).public_key.spki

    def unplug(self) -> None:
        self.put("unplugged")

    def replug(self) -> None:
        """Plug it in again; all handles from before are dead."""
        self.put("boot", int(self.read("boot") if (self.folder / "boot").exists() else 0) + 1)
        self.take("unplugged")

    @contextmanager
    def hanging(self, function: str):
        self.put("hang", function)
        try:
            yield
        finally:
            self.take("hang")

    def trace(self) -> list[str]:
        """The functions called since `put("trace", "")`."""
        return self.read("trace").split()

    def table(self, **entries: object) -> dict[str, object]:
        """The profile as the TOML file has it."""
        return {"library": "libsdf.so", "password_file": "profile-password", "keys": [1, 2], **entries}

    def profile(self, name: str = "hsm-1", **entries: object) -> SdfProfile:
        return SdfProfile.parse(
            name, self.table(**entries), folder=self.folder, state_folder=self.folder.parent / "state"
        )

    def open(self, name: str = "hsm-1", **entries: object) -> SdfDevice:
        return SdfDevice(self.profile(name, **entries))


def soft_device(folder: Path, library: Path) -> SoftDevice:
    """Make a device in `folder` with a copy of the library, a password and keys at 1 and 2."""
    folder.mkdir()
    shutil.copy(library, folder / "libsdf.so")
    device = SoftDevice(folder=folder)
    device.put("password", PASSWORD)
    device.put("profile-password", PASSWORD + b"\n")
    device.add_key(1)
    device.add_key(2)
    return device


def settled(device: SdfDevice) -> int:
    """Return how many sessions hang still, once those that can end have ended."""
    pool = device._pool
    with pool._changed:
        pool._changed.wait_for(lambda: not pool._ending, 20)
        return len(pool._ending)
