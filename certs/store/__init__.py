"""The library in the database: intents, certificates, states, looks and authorities."""

from certs.store.authorities import SqlAuthorities
from certs.store.intents import SqlIntents
from certs.store.library import SqlLibrary

__all__ = ["SqlAuthorities", "SqlIntents", "SqlLibrary"]
