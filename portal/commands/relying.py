"""`yinxin sso system`: systems that people sign in to. One person applies, another approves (law 9)."""

from pathlib import Path

import click

from portal import registration_file
from portal.commands.opening import opened
from portal.commands.output import json_option, show
from portal.sandbox import SandboxWish, open_sandbox
from sso.provider.application import Application, ApplicationState, Registration
from sso.provider.domain import Client
from trust.formats.holders import RESIDENT_ID_KIND

SANDBOX_REDIRECT = "http://127.0.0.1:5001/callback"
"""Where the examples of docs/join.md listen."""

_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_asks = click.option("--requested-by", required=True, help="Who applies: the name at work.")
_reason = click.option("--reason", required=True, help="Why, 2 to 200 characters; kept for good.")


@click.group()
def system() -> None:
    """Systems that people sign in to: each application is approved by another person."""


@system.command()
@_file
@_asks
@json_option
def apply(file: Path, requested_by: str, as_json: bool) -> None:
    """Apply for the system that FILE (TOML or JSON) describes."""
    proposal = registration_file.read(file)
    _show_application(opened().systems.apply(proposal, by=requested_by), as_json=as_json)


@system.command()
@click.argument("client")
@_file
@_asks
@json_option
def change(client: str, file: Path, requested_by: str, as_json: bool) -> None:
    """Apply that CLIENT be registered as FILE says, in full; `show --json` prints the present registration."""
    proposal = registration_file.read(file)
    _show_application(opened().systems.apply_change(client, proposal, by=requested_by), as_json=as_json)


@system.command()
@click.argument("client")
@_asks
@_reason
@json_option
def rotate(client: str, requested_by: str, reason: str, as_json: bool) -> None:
    """Apply for another secret; the present one works until the new one is shown."""
    application = opened().systems.apply_rotation(client, by=requested_by, why=reason)
    _show_application(application, as_json=as_json)


@system.command()
@click.argument("client")
@_asks
@_reason
@json_option
def disable(client: str, requested_by: str, reason: str, as_json: bool) -> None:
    """Apply that CLIENT be ended for good; the approval ends its tokens."""
    application = opened().systems.apply_disabling(client, by=requested_by, why=reason)
    _show_application(application, as_json=as_json)


@system.command()
@click.argument("application")
@click.option("--approved-by", required=True, help="Who approves: not the one who applied.")
@json_option
def approve(application: str, approved_by: str, as_json: bool) -> None:
    """Approve APPLICATION and carry it out; `secret` then shows the secret to the one who applied."""
    _show_application(opened().systems.approve(application, by=approved_by), as_json=as_json)


@system.command()
@click.argument("application")
@click.option("--refused-by", required=True, help="Who refuses, or takes back.")
@_reason
@json_option
def refuse(application: str, refused_by: str, reason: str, as_json: bool) -> None:
    """Refuse APPLICATION."""
    refused = opened().systems.refuse(application, by=refused_by, reason=reason)
    _show_application(refused, as_json=as_json)


@system.command()
@click.argument("application")
@click.option("--requested-by", required=True, help="Who applied.")
@json_option
def secret(application: str, requested_by: str, as_json: bool) -> None:
    """Make and show the secret that an approved APPLICATION brings; once."""
    registered = opened().systems.collect(application, by=requested_by).registered
    show({"client": registered.client.id, "secret": registered.secret}, as_json=as_json)


@system.command("applications")
@click.option("--system", "client", help="Those about one system.")
@click.option("--state", type=click.Choice([state.value for state in ApplicationState]), help="Those in one state.")
@json_option
def list_applications(client: str | None, state: str | None, as_json: bool) -> None:
    """List applications and who decided them, oldest first."""
    wanted = None if state is None else ApplicationState(state)
    found = opened().systems.applications(client=client, state=wanted)
    show([_shown_application(each, as_json=as_json) for each in found], as_json=as_json)


@system.command("list")
@json_option
def list_systems(as_json: bool) -> None:
    """List every system that people sign in to."""
    clients = opened().clients.clients()
    show([_shown_system(client) for client in clients if client.relying is not None], as_json=as_json)


@system.command("show")
@click.argument("client")
@json_option
def show_system(client: str, as_json: bool) -> None:
    """Show what is registered of CLIENT."""
    found = opened().clients.get(client)
    registration = Registration.of(found)
    body = {} if registration is None else registration_file.written(registration)
    registered = {"authority": found.authority.value, **body}
    if as_json:
        show(_shown_system(found) | {"registration": registered}, as_json=True)
    else:
        show(_shown_system(found) | {name: _plain(value) for name, value in registered.items()}, as_json=False)


@system.command()
@click.option("--label", default="沙箱系统 Sandbox", show_default=True, help="Name that the consent page shows.")
@click.option(
    "--redirect-uri",
    "redirect_uris",
    multiple=True,
    default=(SANDBOX_REDIRECT,),
    show_default=True,
    help="Address to return to, on this machine; may be repeated.",
)
@click.option("--public", is_flag=True, help="Without a secret: for programs that cannot keep one.")
@json_option
def sandbox(label: str, redirect_uris: tuple[str, ...], public: bool, as_json: bool) -> None:
    """Register a system on this machine and an invented person to try it with; both secrets are shown this once."""
    installation = opened()
    made = open_sandbox(
        installation.systems,
        installation.people,
        SandboxWish(label=label, redirect_uris=redirect_uris, public=public),
        randomness=installation.foundation.randomness,
    )
    person = {"kind": RESIDENT_ID_KIND, "number": made.person.code.number, "password": made.password}
    shown: dict[str, object] = {
        "issuer": installation.foundation.settings.public_url.rstrip("/"),
        "client_id": made.client.id,
        "client_secret": made.secret,
        "redirect_uri": redirect_uris[0],
    }
    named = {f"person_{name}": value for name, value in person.items()}
    show(shown | ({"person": person} if as_json else named), as_json=as_json)


def _show_application(found: Application, *, as_json: bool) -> None:
    show(_shown_application(found, as_json=as_json), as_json=as_json)


def _shown_application(found: Application, *, as_json: bool) -> dict[str, object]:
    shown: dict[str, object] = {
        "application": found.id,
        "kind": found.kind.value,
        "client": found.client,
        "label": found.label,
        "authority": found.authority.value,
        "why": found.why,
        "requested_by": found.requested_by,
        "requested_at": found.requested_at,
        "state": found.state.value,
        "decided_by": found.decided_by,
        "decided_at": found.decided_at,
        "decision_reason": found.decision_reason,
        "secret_shown_at": found.collected_at,
    }
    if not as_json:
        return shown
    return shown | {
        "reasons": {scope.value: reason for scope, reason in found.reasons.items()},
        "asked": None if found.asked is None else registration_file.written(found.asked),
        "before": None if found.before is None else registration_file.written(found.before),
    }


def _shown_system(client: Client) -> dict[str, object]:
    return {
        "client": client.id,
        "label": client.label,
        "authority": client.authority.value,
        "scopes": " ".join(sorted(client.scopes)),
        "sandbox": client.relying is not None and client.relying.sandbox,
        "enabled": client.enabled,
    }


def _plain(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
