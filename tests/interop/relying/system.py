"""A relying system of the tests: what is registered of it, and the JavaScript library that it runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from sso.provider.domain import ClientAuthentication, Registered
from tests.interop.relying.house import SCOPES, Citizen, House
from tests.interop.relying.node import Node, RelyingPartyFailed

METHODS = ("basic", "post", "private_key_jwt", "none")
REGISTERED_AS = {
    "private_key_jwt": ClientAuthentication.PRIVATE_KEY_JWT,
    "none": ClientAuthentication.NONE,
}


@dataclass(kw_only=True)
class System:
    """A relying system: what is registered, and the library it runs on."""

    node: Node
    registered: Registered
    house: House

    @property
    def id(self) -> str:
        return self.registered.client.id

    @property
    def audience(self) -> str:
        relying = self.registered.client.relying
        assert relying is not None
        return relying.resource

    def set_up(self, authentication: str = "basic", **changes: Any) -> dict[str, Any]:
        """Have the library discover the provider and take up what was registered; return the metadata."""
        given = {
            "issuer": self.house.issuer,
            "client_id": self.id,
            "secret": self.registered.secret,
            "redirect_uri": f"{self.house.listener.address}/callback",
        }
        metadata: dict[str, Any] = self.node.do("setup", authentication=authentication, **given | changes)
        return metadata

    def signed_in(self, citizen: Citizen, *, pushed: bool = False, scope: str = SCOPES, **more: str) -> dict[str, Any]:
        """Have the citizen sign in and return the tokens, with the claims of the judged ID token."""
        return self.redeemed(citizen.sign_in(self.begun(pushed=pushed, scope=scope, **more)))

    def begun(self, *, pushed: bool = False, scope: str = SCOPES, **more: str) -> str:
        address: str = self.node.do("begin", scope=scope, pushed=pushed, more=more)
        return address

    def redeemed(self, callback: str) -> dict[str, Any]:
        tokens: dict[str, Any] = self.node.do("finish", callback=callback)
        return tokens

    def told(self, token: str) -> dict[str, Any]:
        """What introspection says."""
        facts: dict[str, Any] = self.node.do("introspect", token=token)
        return facts

    def alive(self, token: str) -> bool:
        return bool(self.told(token)["active"])


Registering = Callable[..., System]
"""Registers a system by its method of client authentication and what else is to be said of it."""


def refused(error: str) -> Any:
    """Expect the provider to refuse with an error of OAuth, as the library understood it."""
    return pytest.raises(RelyingPartyFailed, match=rf"\b{error}\b")
