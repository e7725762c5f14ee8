"""Wires the upstream platforms whose sign-in is accepted (采信上级平台认证结果)."""

from portal.foundation import Foundation
from portal.people import People
from sso.keycloak.acceptance import Acceptance
from sso.keycloak.assembly import open_providers
from sso.keycloak.store import DatabaseUpstreamStore
from sso.keycloak.upstream import UpstreamDesk


def open_upstream(base: Foundation, people: People) -> UpstreamDesk:
    """Return the desk over the platforms named in the settings; none is asked anything before somebody signs in.

    Raises as `open_providers`.
    """
    store = DatabaseUpstreamStore(base.database)
    return UpstreamDesk(
        open_providers(base.settings.upstream_file, base.clock),
        store,
        Acceptance(people.register, store, base.clock),
        vault=(base.fields, base.index),
        clock=base.clock,
        randomness=base.randomness,
        public_url=base.settings.public_url.rstrip("/"),
    )
