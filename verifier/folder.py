"""Trust material from a folder, for whoever checks documents away from the service that issued them."""

from pathlib import Path
from typing import Final

from asn1crypto import pem

from trust.formats.crl import MAX_CRL_BYTES
from trust.formats.x509 import parse_x509
from trust.kernel.errors import MalformedInput
from verifier.errors import TrustMaterialUnusable
from verifier.ports import TrustMaterial

_X509_SUFFIXES: Final = (".cer", ".crt", ".der", ".pem")
_CRL_SUFFIXES: Final = (".crl",)
_MAX_FILES: Final = 1000  # files of one folder: more is not a trust store but a mistaken path


class FolderTrust:
    """A trust source over files: every self-issued X.509 in `x509s` is an anchor, every other an issuing CA."""

    def __init__(self, x509s: Path, crls: Path) -> None:
        """Read the folders, DER or PEM.

        Raises:
            TrustMaterialUnusable: a folder or a file in it cannot be read, or there is no anchor.
        """
        try:
            found = [parse_x509(der) for der in _read(x509s, _X509_SUFFIXES)]
            lists = tuple(_read(crls, _CRL_SUFFIXES))
        except MalformedInput as error:
            raise TrustMaterialUnusable(error.detail) from error
        self._material = TrustMaterial(
            roots=tuple(x509.der for x509 in found if x509.is_self_issued),
            intermediates=tuple(x509.der for x509 in found if not x509.is_self_issued),
            crls=lists,
        )
        if not self._material.roots:
            raise TrustMaterialUnusable("The folder holds no self-issued X.509 to trust.", field="roots")

    def material(self) -> TrustMaterial:
        """Return what the folders held when they were read."""
        return self._material


def _read(folder: Path, suffixes: tuple[str, ...]) -> list[bytes]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
        if len(paths) > _MAX_FILES:
            raise TrustMaterialUnusable(f"The folder holds more than {_MAX_FILES} files.")
        return [_to_der(path) for path in paths]
    except OSError as error:
        raise TrustMaterialUnusable(f"{folder.name} cannot be read: {error.strerror}.") from error


def _to_der(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_CRL_BYTES + 1)
    if not pem.detect(data):
        return data
    try:
        _, _, der = pem.unarmor(data)
    except ValueError as error:
        raise TrustMaterialUnusable(f"{path.name} is not one PEM block.") from error
    return bytes(der)
