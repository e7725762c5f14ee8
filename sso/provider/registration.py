"""What a relying system's registration may say: addresses, keys, audience and sector, each refused with its own code.

An address is registered whole and matched whole (RFC 9700 section 4.1.3): no pattern, no rule for ports, no scheme of
an app. Plain http stays on the machine itself (a developer's sandbox); everything else is https.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from sso.provider import client_jwt
from sso.provider.client_jwt import JwtRefused
from sso.provider.domain import ClientAuthentication, RelyingSystem
from sso.provider.errors import (
    JwksInvalid,
    LogoutUriInvalid,
    RedirectUriInvalid,
    RegistrationNameInvalid,
    ResourceInvalid,
    SectorInvalid,
    SigningAlgorithmUnknown,
)
from sso.provider.keyring import SIGNING_ALGORITHMS
from trust.kernel.addresses import is_secure_channel
from trust.kernel.text import check_clear_text

API_TARGET: Final = "api"
"""Our certificate API among the systems that trust may be passed to."""

MAX_ADDRESSES: Final = 20  # redirect addresses of one system: production, training, sandbox, each with some pages
MAX_ADDRESS_CHARACTERS: Final = 500  # browsers and proxies cut longer lines once the answer hangs on them
MAX_RESOURCE_CHARACTERS: Final = 200  # it stands in every token
MAX_SECTOR_CHARACTERS: Final = 253  # of a host name (RFC 1035 section 2.3.4)
MAX_JWKS_CHARACTERS: Final = 16_384  # ten RSA keys of 4096 bits have about 9,000
MAX_KEYS: Final = 10  # two are in use while a client rotates
MAX_NAMES: Final = 200  # matters, types, systems: more than one counter system handles
MAX_CONTACT_CHARACTERS: Final = 200

_ANSWER_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "response"})
_ADDRESS = re.compile(r"[!#$%&'()+,\-./0-9:;=?@A-Z\[\]_a-z~]+")  # RFC 3986 without the asterisk: no wildcard
_DOTS = re.compile(r"(^|/)\.{1,2}(/|$)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_DEFAULT_ALGORITHM = {"EC": "ES256", "RSA": "RS256"}


def checked(relying: RelyingSystem, *, issuer: str) -> RelyingSystem:
    """Return the registration once every value of it is acceptable, with its sector filled in.

    Raises:
        RedirectUriInvalid: a redirect or post-logout address; or a public client without any.
        LogoutUriInvalid: the back-channel logout address.
        JwksInvalid: the key set, or one where none belongs, or none where one does.
        ResourceInvalid: the audience.
        SectorInvalid: the sector, or none can be told from the redirect addresses.
        SigningAlgorithmUnknown: the algorithm of the ID tokens.
        RegistrationNameInvalid: a matter, a type or a system to pass trust to.
        TextLength, TextCharacters, PersonalNumberInText: the contact.
    """
    _check_addresses(relying.redirect_uris, "redirect_uris")
    _check_addresses(relying.post_logout_redirect_uris, "post_logout_redirect_uris")
    if relying.authentication is ClientAuthentication.NONE and not relying.redirect_uris:
        raise RedirectUriInvalid("A public client needs a redirect address.", field="redirect_uris")
    if relying.backchannel_logout_uri is not None and _fault(relying.backchannel_logout_uri):
        raise LogoutUriInvalid(_fault(relying.backchannel_logout_uri), field="backchannel_logout_uri")
    if relying.signing_algorithm not in SIGNING_ALGORITHMS:
        raise SigningAlgorithmUnknown(f"Known: {', '.join(SIGNING_ALGORITHMS)}.", field="signing_algorithm")
    _check_jwks(relying)
    _check_resource(relying.resource, issuer)
    for field in ("pass_to", "matters", "types"):
        _check_names(getattr(relying, field), field)
    if relying.contact:
        check_clear_text(relying.contact, field="contact", most=MAX_CONTACT_CHARACTERS)
    return replace(relying, sector=_sector(relying))


def _check_addresses(addresses: Sequence[str], field: str) -> None:
    if len(addresses) > MAX_ADDRESSES:
        raise RedirectUriInvalid(f"At most {MAX_ADDRESSES} addresses.", field=field)
    if len(set(addresses)) != len(addresses):
        raise RedirectUriInvalid("The same address stands twice.", field=field)
    for address in addresses:
        fault = _fault(address)
        if not fault and _ANSWER_PARAMETERS & {name for name, _ in parse_qsl(urlsplit(address).query)}:
            fault = "The query of an address must not hold parameters of the answer, such as code or state."
        if fault:
            raise RedirectUriInvalid(fault, field=field)


def _fault(address: str) -> str:
    """Return what is wrong with an address that browsers or we are sent to, or the empty text."""
    if not 0 < len(address) <= MAX_ADDRESS_CHARACTERS or not _ADDRESS.fullmatch(address):
        return f"An address has 1 to {MAX_ADDRESS_CHARACTERS} characters of RFC 3986, and no wildcard."
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return "This is no address."
    if not is_secure_channel(parts):
        return "The address must be https; http is for the loopback address only."
    if "#" in address or "@" in parts.netloc:
        return "The address must have neither a fragment nor a user name."
    plain = parts.path.replace("%2e", ".").replace("%2E", ".")
    return "The path must not hold dot segments." if _DOTS.search(plain) else ""


def _check_resource(resource: str, issuer: str) -> None:
    if not resource:
        return
    fault = _fault(resource)
    if len(resource) > MAX_RESOURCE_CHARACTERS:
        fault = f"A resource has at most {MAX_RESOURCE_CHARACTERS} characters."
    if resource == issuer or resource.startswith(f"{issuer}/"):
        fault = "The addresses of this service are no client's."
    if fault:
        raise ResourceInvalid(fault, field="resource")


def _sector(relying: RelyingSystem) -> str:
    """Return the host under which people have one `sub` (OIDC core section 8.1), as registered or as can be told."""
    if relying.sector:
        if len(relying.sector) > MAX_SECTOR_CHARACTERS or not _HOST.fullmatch(relying.sector):
            raise SectorInvalid("A sector is a host name in small letters.", field="sector")
        return relying.sector
    addresses = relying.redirect_uris or ((relying.resource,) if relying.resource else ())
    hosts = {urlsplit(address).hostname or "" for address in addresses}
    if len(hosts) != 1:
        raise SectorInvalid("Name the sector: the redirect addresses have no host in common.", field="sector")
    return hosts.pop()


def _check_names(names: frozenset[str], field: str) -> None:
    if len(names) > MAX_NAMES:
        raise RegistrationNameInvalid(f"At most {MAX_NAMES} entries.", field=field)
    if not all(_NAME.fullmatch(name) for name in names):
        raise RegistrationNameInvalid("An entry has 1 to 64 letters, digits, and . _ : -", field=field)


def _check_jwks(relying: RelyingSystem) -> None:
    keyed = relying.authentication is ClientAuthentication.PRIVATE_KEY_JWT
    if relying.jwks is None or not keyed:
        if keyed:
            raise JwksInvalid("This method needs a key set.", field="jwks")
        if relying.jwks is not None:
            raise JwksInvalid("A key set belongs to private_key_jwt only.", field="jwks")
        return
    for key in _keys(relying.jwks):
        algorithm = key.get("alg") or _DEFAULT_ALGORITHM.get(str(key.get("kty")), "")
        if algorithm not in client_jwt.ALGORITHMS or key.get("use", "sig") != "sig":
            raise JwksInvalid("Keys are for signatures with ES256, RS256 or PS256.", field="jwks")
        try:
            client_jwt.public_key(key, algorithm)
        except JwtRefused as refused:
            raise JwksInvalid(f"Not acceptable: {refused}.", field="jwks") from None


def _keys(text: str) -> list[dict[str, object]]:
    if len(text) > MAX_JWKS_CHARACTERS:
        raise JwksInvalid(f"A key set has at most {MAX_JWKS_CHARACTERS} characters.", field="jwks")
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise JwksInvalid("This is no JWK set (RFC 7517 section 5).", field="jwks") from None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS or not all(isinstance(key, dict) for key in keys):
        raise JwksInvalid(f"A key set has 1 to {MAX_KEYS} keys.", field="jwks")
    identifiers = [key.get("kid") for key in keys]
    if len(keys) > 1 and (None in identifiers or len({str(kid) for kid in identifiers}) != len(keys)):
        raise JwksInvalid("Several keys need a kid each, all different.", field="jwks")
    return keys
