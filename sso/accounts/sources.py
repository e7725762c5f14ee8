"""Proofing sources over HTTP: the client's side of docs/proofing-sources.md, version 1."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from sso.accounts.breaker import Breaker
from sso.accounts.domain import ProofingLevel
from sso.accounts.errors import (
    ProofingAnswerUnreadable,
    ProofingClaimMissing,
    ProofingSourceRefused,
    ProofingSourceUnavailable,
    ProofingSourceUnusable,
)
from sso.accounts.ports import TERMS, Claims, Outcome, SourceName
from sso.accounts.source_transport import BoundedPost, RawAnswer
from trust.config import ProofingSourceSettings
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock
from trust.kernel.encoding import canonical_json, members_once
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.sealing import read_secret

VERSION: Final = 1
HMAC_SCHEME: Final = "YINXIN-HMAC-SHA256"
DATE_HEADER: Final = "Yinxin-Date"
SIGNATURE_HEADER: Final = "Yinxin-Signature"

_SECRET = re.compile("[A-Za-z0-9._~+/=-]{32,512}")  # RFC 6750 section 2.1; 32 characters: not to be guessed
_OK: Final = 200
_REFUSALS: Final = frozenset({401, 403})
_BUSY: Final = 429
_FAULT: Final = 500


class Authentication(StrEnum):
    """How this service shows the source who asks."""

    BEARER = "bearer"
    HMAC = "hmac"


@dataclass(frozen=True, slots=True)
class SourceSecret:
    """The secret shared with a source. Raises `ProofingSourceUnusable` when it is too short or has odd characters."""

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _SECRET.fullmatch(self.value):
            raise ProofingSourceUnusable("The secret is not one of 32 to 512 letters, digits and ._~+/=-.")

    def mac(self, *parts: bytes) -> str:
        """Return the hexadecimal HMAC-SHA-256 over the parts, joined by line feeds."""
        return hmac.new(self.value.encode(), b"\n".join(parts), hashlib.sha256).hexdigest()


def request_mac(secret: SourceSecret, *, date: str, path: str, body: bytes) -> str:
    """Return what a request is signed with."""
    return secret.mac(b"yinxin-proofing-1", date.encode(), path.encode(), body)


def answer_mac(secret: SourceSecret, *, request: str, body: bytes) -> str:
    """Return what an answer is signed with; `request` is the MAC of its request, so that none answers another."""
    return secret.mac(b"yinxin-proofing-1-answer", request.encode(), body)


def read_source_secret(path: Path) -> SourceSecret:
    """Return the secret in a file. Raises as `trust.sealing.read_secret`, and `ProofingSourceUnusable`."""
    return SourceSecret(read_secret(path))


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: int
    id: str
    outcome: Outcome


class HttpSource:
    """Implements `sso.accounts.ports.ProofingSource`; safe to use from many threads."""

    def __init__(
        self,
        name: SourceName,
        post: BoundedPost,
        *,
        secret: SourceSecret,
        authentication: Authentication,
        ceiling: ProofingLevel,
        stamps: tuple[Clock, Randomness],
    ) -> None:
        self.name = name
        self.ceiling = ceiling
        self._post = post
        self._secret = secret
        self._authentication = authentication
        self._clock, self._randomness = stamps
        self._breaker = Breaker(name, self._clock)

    def compare(self, code: HolderNumber, claims: Claims) -> Outcome:
        """See the port. The number travels in the body alone.

        Raises `ProofingClaimMissing`, `ProofingSourceUnavailable`, `ProofingSourceRefused`, `ProofingAnswerUnreadable`.
        """
        return self._asked(code, {"name": claims.name, **self._item(claims)})

    def confirms(self, organisation: HolderNumber, *, number: HolderNumber, name: str) -> bool:
        """Whether this person is the organisation's legal representative (法定代表人) by the register, which must live.

        Implements `sso.mandates.ports.RepresentativeSource`. Raises as `compare`.
        """
        representative = {"kind": number.kind, "number": number.number, "name": name}
        return self._asked(organisation, {"representative": representative}) is Outcome.MATCH

    def _asked(self, code: HolderNumber, elements: Mapping[str, object]) -> Outcome:
        identifier = new_id(self._clock, self._randomness)
        question = {"version": VERSION, "id": identifier, "kind": code.kind, "number": code.number, **elements}
        body = canonical_json(question)
        headers, mac = self._signed(body)
        with self._breaker.asking():
            answer = self._post.send(body, headers)
            _check_status(answer)
        if mac is not None:
            self._check_answer_mac(answer, mac)
        return _outcome(answer, identifier)

    def _item(self, claims: Claims) -> dict[str, str]:
        item = TERMS[self.name].item
        if item is None:
            return {}
        value = claims.item(item)
        if value is None:
            raise ProofingClaimMissing(field=item)
        return {item: value}

    def _signed(self, body: bytes) -> tuple[Mapping[str, str], str | None]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "yinxin"}
        if self._authentication is Authentication.BEARER:
            return {**headers, "Authorization": f"Bearer {self._secret.value}"}, None
        date = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        mac = request_mac(self._secret, date=date, path=self._post.path, body=body)
        return {**headers, DATE_HEADER: date, "Authorization": f"{HMAC_SCHEME} {mac}"}, mac

    def _check_answer_mac(self, answer: RawAnswer, mac: str) -> None:
        expected = answer_mac(self._secret, request=mac, body=answer.body)
        given = answer.headers.get(SIGNATURE_HEADER.lower(), "")
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise ProofingAnswerUnreadable("The answer is not signed by the source.")


def build_sources(
    settings: Iterable[ProofingSourceSettings], *, clock: Clock, randomness: Randomness
) -> dict[str, HttpSource]:
    """Return the sources that the settings name, by name.

    Raises `ProofingSourceUnusable`, also when one is named twice, `SecretMissing`, `SecretExposed`.
    """
    built: dict[str, HttpSource] = {}
    for each in settings:
        if each.name in built:
            raise ProofingSourceUnusable(f"{each.name} is named twice.", field="proofing_sources")
        built[each.name] = HttpSource(
            SourceName(each.name),
            BoundedPost(each.url, seconds=each.timeout_seconds, ca_file=each.ca_file),
            secret=read_source_secret(each.secret_file),
            authentication=Authentication(each.authentication),
            ceiling=ProofingLevel(each.ceiling),
            stamps=(clock, randomness),
        )
    return built


def _check_status(answer: RawAnswer) -> None:
    status = answer.status
    if status == _OK:
        return
    if status in _REFUSALS:
        raise ProofingSourceRefused(status=status)
    if status == _BUSY or status >= _FAULT:
        raise ProofingSourceUnavailable(f"The source answered {status}.", status=status)
    raise ProofingAnswerUnreadable(f"The source answered {status}.", status=status)  # a redirect is never followed


def _outcome(answer: RawAnswer, identifier: str) -> Outcome:
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise ProofingAnswerUnreadable("The answer is not application/json.")
    try:
        json.loads(answer.body, object_pairs_hook=members_once)  # which the model's own reader does not ask
        read = _Answer.model_validate_json(answer.body)
    except (ValueError, RecursionError):  # pydantic's own error is a ValueError
        raise ProofingAnswerUnreadable("The answer is not one of this contract.") from None
    if read.version != VERSION:
        raise ProofingAnswerUnreadable("The answer has another version.")
    if read.id != identifier:
        raise ProofingAnswerUnreadable("The answer is to another question.")
    return read.outcome
