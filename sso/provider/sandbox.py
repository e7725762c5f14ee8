"""Sandbox systems: for developers who try the service on their own machine, with people who do not exist.

What keeps a sandbox harmless, whatever its developer does:

* It exists only where the installation says so (`Settings.sandbox_allowed`): in development by default. A service in
  which a sandbox system is enabled although it should not be does not start (`SandboxPresent`).
* Every address of it is on the machine itself, so no code and no token leaves the developer's machine.
* Only invented people can sign in to it, for themselves or for invented organisations. They are told by their number:
  region 119999 is assigned to no place, and credit codes of invented organisations carry the letters DEM.
* It belongs to an invented authority and has none of the rights that say more than who somebody is (`SCOPES`).
* Trust is passed between sandbox systems and to the certificate API only, never from or to a real one.
* It stays a sandbox: a change of the registration cannot lift the mark.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from sso.provider.application_errors import SandboxNotAllowed, SandboxPresent, SandboxRuleBroken
from sso.provider.domain import Client, RelyingSystem, Scope
from trust.formats.holders import RESIDENT_ID_KIND, USCC_KIND, HolderNumber
from trust.kernel.addresses import is_loopback
from trust.kernel.identifiers import Uscc

SCOPES: Final = frozenset({Scope.OPENID, Scope.PROFILE, Scope.CERTS_READ, Scope.OFFLINE_ACCESS})
"""What a sandbox system may be given."""

INVENTED_REGION: Final = "119999"
"""Region code (GB/T 2260) in the resident numbers of invented people: no place has it."""

_INVENTED_BODY = "DEM"  # begins the organisation's own part of an invented credit code (GB 32100 section 3.3)
_BODY = slice(8, 17)


def is_invented(code: HolderNumber) -> bool:
    """Whether a number is one that no person and no organisation has."""
    if code.kind == RESIDENT_ID_KIND:
        return code.number.startswith(INVENTED_REGION)
    return code.kind == USCC_KIND and _is_invented_uscc(code.number)


def check(client: Client, *, allowed: bool) -> None:
    """Check a client against the rules above; one that is no sandbox passes.

    Raises `SandboxNotAllowed`, `SandboxRuleBroken` with the field that breaks a rule.
    """
    relying = client.relying
    if relying is None or not relying.sandbox:
        return
    if not allowed:
        raise SandboxNotAllowed(field="sandbox")
    if not client.scopes <= SCOPES:
        raise SandboxRuleBroken(f"A sandbox may have: {' '.join(sorted(SCOPES))}.", field="scopes")
    if not _is_invented_uscc(client.authority.value):
        raise SandboxRuleBroken("A sandbox belongs to an invented authority.", field="authority")
    for field, addresses in _addresses(relying).items():
        if not all(is_loopback(urlsplit(address).hostname or "") for address in addresses):
            raise SandboxRuleBroken("A sandbox has addresses on this machine only.", field=field)


def check_targets(relying: RelyingSystem, targets: Iterable[Client]) -> None:
    """Check that trust stays on its side, among sandboxes or among real systems. Raises `SandboxRuleBroken`."""
    if any((target.relying is not None and target.relying.sandbox) is not relying.sandbox for target in targets):
        raise SandboxRuleBroken("Trust is not passed between a sandbox and a real system.", field="pass_to")


def check_kept(before: RelyingSystem | None, after: RelyingSystem) -> None:
    """Check that a change neither lifts nor sets the mark. Raises `SandboxRuleBroken`."""
    if (before is not None and before.sandbox) is not after.sandbox:
        raise SandboxRuleBroken("A registration stays what it is: register another system.", field="sandbox")


def check_absent(clients: Iterable[Client], *, allowed: bool) -> None:
    """Let a service start, or raise `SandboxPresent`: a database was copied here, or the setting was changed."""
    found = [client.id for client in clients if client.enabled and client.relying and client.relying.sandbox]
    if found and not allowed:
        raise SandboxPresent(f"Sandbox systems: {', '.join(found)}.", clients=len(found))


def _is_invented_uscc(code: str) -> bool:
    return Uscc.parse(code).value[_BODY].startswith(_INVENTED_BODY)


def _addresses(relying: RelyingSystem) -> dict[str, tuple[str, ...]]:
    return {
        "redirect_uris": relying.redirect_uris,
        "post_logout_redirect_uris": relying.post_logout_redirect_uris,
        "backchannel_logout_uri": (relying.backchannel_logout_uri,) if relying.backchannel_logout_uri else (),
        "resource": (relying.resource,) if relying.resource else (),
    }
