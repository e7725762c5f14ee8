"""`yinxin sso keycloak`: the organisation's own Keycloak, kept in step with our registrations."""

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from sso.keycloak.assembly import open_provisioner
from sso.keycloak.desired import desired_realm
from sso.keycloak.plan import Desired, Plan
from sso.keycloak.provisioner import Provisioner
from sso.keycloak.wording import document, sentences

prune_option = click.option(
    "--prune", is_flag=True, help="Delete what this service once made and no registration wants any more."
)


@click.group()
def keycloak() -> None:
    """Keep a Keycloak realm in step with the registered systems."""


@keycloak.command("plan")
@prune_option
@json_option
def plan_realm(prune: bool, as_json: bool) -> None:
    """Show what `apply` would do, and do none of it."""
    provisioner, desired = _opened()
    _show(provisioner.plan(desired, prune=prune), as_json=as_json)


@keycloak.command("apply")
@prune_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def apply_plan(prune: bool, yes: bool, as_json: bool) -> None:
    """Bring the realm in step; show what was planned, then what is left."""
    provisioner, desired = _opened()
    plan = provisioner.plan(desired, prune=prune)
    if not as_json:
        _show(plan, as_json=False)
    if plan.changes and not yes:
        click.confirm("Apply?", abort=True, err=True)
    _show(provisioner.apply(plan, desired, prune=prune), as_json=as_json)


def _opened() -> tuple[Provisioner, Desired]:
    installation = opened()
    base = installation.foundation
    provisioner, terms = open_provisioner(base.settings)
    return provisioner, desired_realm(terms, installation.clients.clients(), base.index)


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        show(document(plan), as_json=True)
    else:
        click.echo("\n".join(sentences(plan)))
