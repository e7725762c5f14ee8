"""`yinxin register role`: the three offices of administration (三员分立), held by accounts of people."""

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from sso.accounts.roles import Role, RoleGrant

_by = click.option("--by", required=True, help="Id of the account of the officer who does this.")


@click.group()
def role() -> None:
    """Offices (三员): system administrator, security administrator, auditor; nobody holds two."""


@role.command("found")
@click.option("--system-admin", required=True, help="Id of the first system administrator's account.")
@click.option("--security-admin", required=True, help="Id of the first security administrator's account.")
@click.option("--auditor", required=True, help="Id of the first auditor's account.")
@click.option("--requested-by", required=True, help="Name of the operator who asks.")
@click.option("--approved-by", required=True, help="Name of the operator who approves: another one.")
@json_option
def found_roles(
    system_admin: str, security_admin: str, auditor: str, requested_by: str, approved_by: str, as_json: bool
) -> None:
    """Install the first three officers, once; all later ones are proposed and approved by officers."""
    officers = {Role.SYSTEM_ADMIN: system_admin, Role.SECURITY_ADMIN: security_admin, Role.AUDITOR: auditor}
    grants = opened().people.roles.found(officers, requested_by=requested_by, approved_by=approved_by)
    show([_shown(grant) for grant in grants], as_json=as_json)


@role.command("propose")
@click.argument("person")
@click.argument("office", type=click.Choice([role.value for role in Role]))
@_by
@json_option
def propose_role(person: str, office: str, by: str, as_json: bool) -> None:
    """Propose PERSON (the id of an account) for an office; the system administrator does."""
    show(_shown(opened().people.roles.propose(person, Role(office), by=by)), as_json=as_json)


@role.command("approve")
@click.argument("grant")
@_by
@json_option
def approve_role(grant: str, by: str, as_json: bool) -> None:
    """Put a proposal into force; the security administrator does."""
    show(_shown(opened().people.roles.approve(grant, by=by)), as_json=as_json)


@role.command("end")
@click.argument("grant")
@_by
@json_option
def end_role(grant: str, by: str, as_json: bool) -> None:
    """Turn a proposal down, or end an office; the last holder of an office stays."""
    show(_shown(opened().people.roles.end(grant, by=by)), as_json=as_json)


@role.command("list")
@json_option
def list_roles(as_json: bool) -> None:
    """List every proposal and office there ever was, oldest first."""
    show([_shown(grant) for grant in opened().people.roles.grants()], as_json=as_json)


def _shown(grant: RoleGrant) -> dict[str, object]:
    return {
        "grant": grant.id,
        "person": grant.person,
        "office": grant.role.value,
        "in_force": grant.in_force,
        "proposed_by": grant.proposed_by,
        "proposed_at": grant.proposed_at,
        "approved_by": grant.approved_by,
        "approved_at": grant.approved_at,
        "ended_by": grant.ended_by,
        "ended_at": grant.ended_at,
    }
