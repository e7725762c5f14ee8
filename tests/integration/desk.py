"""What a caller of the bad-input table has at hand: requests built from right ones, tokens good and bad, files."""

import base64
import copy
import io
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pikepdf
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from portal.demo import data, world
from portal.wiring import Installation, open_installation
from sso.provider.client_tokens import TokenIssuer, TokenTerms
from sso.provider.keyring import KeyringSource
from sso.provider.signing import TokenSigner
from tests.fakes import FixedClock
from tests.integration.door import JSON, Door, Request, bearer, multipart
from tests.integration.installation import Template, today
from tests.trust.formats.pdf_building import behind_xref_stream, stream
from trust.config import load_settings
from trust.kernel.randomness import SystemRandomness

ABSENT = object()
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The door, tokens by name, and one issued certificate of each type."""

    door: Door
    tokens: Mapping[str, str]
    food: str
    permit: str
    pdf: bytes

    def send(self, request: Request):
        headers = dict(request.headers)
        if request.bearer is not None:
            headers |= bearer(self.tokens[request.bearer])
        return self.door.ask(request.method, request.path, request.body, headers)


def changed(body: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Return a copy with members changed, each named by its path; `ABSENT` removes one."""
    copied = copy.deepcopy(dict(body))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = copied
        for parent in parents:
            place = place[parent]
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return copied


def posted(path: str, value: object, *, by: str | None = "full", **headers: str) -> Request:
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Request(method="POST", path=path, headers=JSON | named, body=body, bearer=by)


def issue_food(changes: Mapping[str, object] | None = None, *, key: str = "bad-input", by: str | None = "full"):
    """A food licence with something wrong in it."""
    return lambda _: posted(
        "/api/v1/certs", changed(data.food_licence(today()), changes or {}), by=by, Idempotency_Key=key
    )


def issue_permit(changes: Mapping[str, object]):
    """A residence permit with something wrong in it."""
    return lambda _: posted(
        "/api/v1/certs", changed(data.residence_permit(today()), changes), Idempotency_Key="bad-input"
    )


def issue_raw(body: bytes, **headers: str):
    """Bytes in the place of a certificate's data."""
    return lambda _: posted("/api/v1/certs", body, Idempotency_Key="bad-input", **headers)


def issue_escaped(changes: Mapping[str, object]):
    """A food licence in ASCII, every other character escaped."""
    return lambda _: posted(
        "/api/v1/certs",
        json.dumps(changed(data.food_licence(today()), changes)).encode(),
        Idempotency_Key="bad-input",
    )


def on_food(action: str, body: Mapping[str, object], *, by: str = "full"):
    """A change of state of the issued food licence."""
    return lambda desk: posted(f"/api/v1/certs/{desk.food}/{action}", body, by=by)


def look(suffix: str, *, identifier: str | None = None, by: str | None = "full"):
    """A look at a certificate, the issued food licence unless told otherwise."""
    return lambda desk: Request(method="GET", path=f"/api/v1/certs/{identifier or desk.food}{suffix}", bearer=by)


def verify(value: object, **headers: str):
    """A verification by text."""
    return lambda _: posted("/api/v1/verify", value, by=None, **headers)


def verify_files(*parts: Callable[[Desk], tuple[str, str | None, bytes]]):
    """A verification by a form."""

    def made(desk: Desk) -> Request:
        body, headers = multipart(*(part(desk) for part in parts))
        return Request(method="POST", path="/api/v1/verify", headers=headers, body=body)

    return made


def as_file(content: bytes | Callable[[Desk], bytes], name: str = "file"):
    return lambda desk: (name, "a.pdf", content(desk) if callable(content) else content)


def change_body(**changes: str) -> dict[str, str]:
    return {"reason": "测试", "requested_by": "王经办", "approved_by": "李审批"} | changes


def wrong_check_character(identifier: str) -> str:
    return identifier[:-1] + ("0" if identifier[-1] != "0" else "1")


def encrypted_pdf() -> bytes:
    kept = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(kept, encryption=pikepdf.Encryption(owner="owner", user="user"))
    return kept.getvalue()


def pdf_bomb() -> bytes:
    """A file of some 200 KiB whose object stream holds 200 MiB."""
    packed = zlib.compress(bytes(200 * MIB), 9)
    first = b"8 0 obj\n" + stream(b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", packed) + b"\nendobj\n"
    rows = bytes((2, 0, 8, 0)) + bytes((1, 0, 9, 0))
    return behind_xref_stream(b"/Type /XRef /W [1 2 1] /Index [1 1 8 1] /Root 1 0 R", rows, first)


def tokens(door: Door, template: Template, settings: dict[str, object]) -> dict[str, str]:
    """Return tokens by name: good ones of three clients, and every kind that must be refused."""
    good = door.token(template.full)
    header, claims, signature = good.split(".")
    stranger = ec.generate_private_key(ec.SECP256R1())
    return {
        "full": good,
        "reader": door.token(template.reader),
        "other": door.token(template.other),
        "foreign": _signed(stranger, header, claims),
        "own key inside": _signed(stranger, _changed(header, jwk=_jwk(stranger)), claims),
        "alg none": f"{_changed(header, alg='none')}.{claims}.",
        "alg none, old signature": f"{_changed(header, alg='none')}.{claims}.{signature}",
        "alg HS256": f"{_changed(header, alg='HS256')}.{claims}.{signature}",
        "another type": f"{_changed(header, typ='JWT')}.{claims}.{signature}",
        "more scopes": f"{header}.{_changed(claims, scope='certs:issue certs:read admin')}.{signature}",
        "garbage": "garbage",
        "empty parts": "..",
        "very long": "a" * 5000,
        **_signed_by_the_service(settings),
    }


def _signed_by_the_service(settings: dict[str, object]) -> dict[str, str]:
    installation = open_installation(load_settings(**settings))
    try:
        gone = world.register_client(installation)
        revoked = _issuer(installation, now()).issue(
            _client(installation, gone.id), _client(installation, gone.id).scopes
        )
        installation.clients.disable(gone.id)
        other = installation.clients.register(label="过期", authority=data.AUTHORITY, scopes=data.SCOPES).client
        expired = _issuer(installation, now() - timedelta(hours=1)).issue(other, other.scopes)
        elsewhere = _issuer(installation, now(), audience="https://elsewhere.example/api").issue(other, other.scopes)
    finally:
        installation.close()
    return {"revoked": revoked.value, "expired": expired.value, "for another API": elsewhere.value}


def _issuer(installation: Installation, moment: datetime, audience: str | None = None) -> TokenIssuer:
    base = installation.foundation
    issuer = base.settings.public_url
    terms = TokenTerms(issuer=issuer, audience=audience or f"{issuer}/api", seconds=600)
    signer = TokenSigner(base.signer, KeyringSource(base.keys.custodian.keys, base.clock))
    return TokenIssuer(terms, signer, clock=FixedClock(moment), randomness=SystemRandomness())


def _client(installation: Installation, identifier: str):
    (found,) = (client for client in installation.clients.clients() if client.id == identifier)
    return found


def now() -> datetime:
    return datetime.now(UTC)


def _changed(part: str, **members: object) -> str:
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return _base64url(json.dumps(value | members).encode())


def _signed(key: ec.EllipticCurvePrivateKey, header: str, claims: str) -> str:
    r, s = decode_dss_signature(key.sign(f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256())))
    return f"{header}.{claims}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (_base64url(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
