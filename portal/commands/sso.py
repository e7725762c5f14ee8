"""`yinxin sso`: the clients with which departments call the API."""

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from sso.provider.domain import Client


@click.group()
def sso() -> None:
    """Register, list, rotate and disable API clients."""


@sso.command("register")
@click.option("--label", required=True, help="Name of the system for people.")
@click.option("--authority", required=True, help="Unified social credit code of the department.")
@click.option("--scopes", required=True, help="Space-separated: certs:issue certs:read certs:revoke ledger:read.")
@json_option
def register(label: str, authority: str, scopes: str, as_json: bool) -> None:
    """Register a client; its secret is shown this once."""
    registered = opened().clients.register(label=label, authority=authority, scopes=scopes)
    show(_shown(registered.client) | {"secret": registered.secret}, as_json=as_json)


@sso.command("list")
@json_option
def list_clients(as_json: bool) -> None:
    """List every client."""
    show([_shown(client) for client in opened().clients.clients()], as_json=as_json)


@sso.command()
@click.argument("client")
@json_option
def rotate(client: str, as_json: bool) -> None:
    """Give out a new secret; the old one ends at once."""
    registered = opened().clients.rotate(client)
    show(_shown(registered.client) | {"secret": registered.secret}, as_json=as_json)


@sso.command()
@click.argument("client")
@json_option
def disable(client: str, as_json: bool) -> None:
    """Disable a client for good; its tokens stop working with the next request."""
    show(_shown(opened().clients.disable(client)), as_json=as_json)


def _shown(client: Client) -> dict[str, object]:
    return {
        "client": client.id,
        "label": client.label,
        "authority": str(client.authority),
        "scopes": " ".join(sorted(client.scopes)),
        "enabled": client.enabled,
    }
