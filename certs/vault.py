"""How the library keeps what is personal (law 7): sealed to its row, found again by keyed digests only.

The same place turns a command into bytes and back; the digest that an idempotency key is held against is taken over
those bytes, so two requests are the same exactly when they say the same.
"""

import json
from datetime import date
from typing import Any

from certs.domain import Contents, Holder, IssueCommand
from trust.formats.holders import HolderNumber
from trust.kernel.encoding import canonical_json
from trust.kernel.identifiers import CertificateIdentifier
from trust.sealing import BlindIndex, FieldCipher


class Vault:
    """Seals, opens and digests with the field key and the index key of the installation."""

    def __init__(self, *, cipher: FieldCipher, index: BlindIndex) -> None:
        self._cipher = cipher
        self._index = index

    def holder_index(self, holder: HolderNumber) -> bytes:
        """Return the bytes under which a holder's certificates are found."""
        return self._index.of(holder.text, domain="certs.holder")

    def key_index(self, authority: str, idempotency_key: str) -> bytes:
        """Return the bytes for an idempotency key: callers may build it from numbers that must not stay in clear."""
        return self._index.of(f"{authority}:{idempotency_key}", domain="certs.idempotency")

    def digest(self, command: IssueCommand) -> bytes:
        """Return the keyed digest of a command, its idempotency key left out."""
        return self._index.of(canonical_json(_command(command)).decode(), domain="certs.command")

    def seal_command(self, command: IssueCommand, identifier: str) -> bytes:
        """Return the command sealed to the intent of `identifier`."""
        whole = _command(command) | {"idempotency_key": command.idempotency_key}
        return self._cipher.seal(canonical_json(whole), place=f"certs.intent:{identifier}")

    def open_command(self, sealed: bytes, identifier: str) -> IssueCommand:
        """Return the command of an intent. Raises `SealBroken`."""
        values = json.loads(self._cipher.open(sealed, place=f"certs.intent:{identifier}"))
        valid_to, supersedes = values["valid_to"], values["supersedes"]
        return IssueCommand(
            type_code=values["type_code"],
            contents=_parse_contents(values["contents"]),
            valid_from=date.fromisoformat(values["valid_from"]),
            valid_to=None if valid_to is None else date.fromisoformat(valid_to),
            idempotency_key=values["idempotency_key"],
            supersedes=None if supersedes is None else CertificateIdentifier.parse(supersedes),
        )

    def seal_contents(self, contents: Contents, identifier: str) -> bytes:
        """Return the personal part sealed to the certificate of `identifier`."""
        return self._cipher.seal(canonical_json(_contents(contents)), place=f"certs.certificate:{identifier}")

    def open_contents(self, sealed: bytes, identifier: str) -> Contents:
        """Return the personal part of a certificate. Raises `SealBroken`."""
        return _parse_contents(json.loads(self._cipher.open(sealed, place=f"certs.certificate:{identifier}")))


def _contents(contents: Contents) -> dict[str, object]:
    holder = contents.holder
    return {
        "holder": {"kind": holder.code.kind, "number": holder.code.number, "name": holder.name},
        "number": contents.number,
        "face": dict(contents.face),
    }


def _command(command: IssueCommand) -> dict[str, object]:
    return {
        "type_code": command.type_code,
        "contents": _contents(command.contents),
        "valid_from": command.valid_from.isoformat(),
        "valid_to": None if command.valid_to is None else command.valid_to.isoformat(),
        "supersedes": None if command.supersedes is None else command.supersedes.value,
    }


def _parse_contents(values: dict[str, Any]) -> Contents:
    holder = values["holder"]
    return Contents(
        holder=Holder(code=HolderNumber(kind=holder["kind"], number=holder["number"]), name=holder["name"]),
        number=values["number"],
        face=values["face"],
    )
