"""`yinxin authority`: the issuing authorities (颁发机构) and the PKI that certifies their seals."""

from pathlib import Path

import click

from certs.authorities import Authority
from portal.commands.opening import opened
from portal.commands.output import json_option, show, writing_to
from trust.authority.profiles import CaRole
from trust.formats.crl import RevocationReason
from trust.kernel.identifiers import Uscc


@click.group()
def authority() -> None:
    """Onboard issuing authorities; export, revoke and publish X.509s and CRLs."""


@authority.command()
@click.option("--uscc", required=True, help="Unified social credit code.")
@click.option("--name", required=True, help="Name in English.")
@click.option("--name-zh", required=True, help="Name in Chinese, as it stands on certificates.")
@click.option("--region", required=True, help="Region code of GB/T 2260, six digits.")
@click.option("--seal", "seal_id", required=True, help="Id of the seal that its certificates carry.")
@click.option("--type", "types", multiple=True, required=True, help="Type code it may issue (repeatable).")
@json_option
def onboard(
    uscc: str, name: str, name_zh: str, region: str, seal_id: str, types: tuple[str, ...], as_json: bool
) -> None:
    """Register an issuing authority with its seal and the types that it may issue."""
    installation = opened()
    installation.seals.get(seal_id)
    onboarded = Authority(
        uscc=Uscc.parse(uscc, field="uscc"),
        name=name,
        name_zh=name_zh,
        region=region,
        seal_id=seal_id,
        permitted_types=frozenset(types),
    )
    installation.certs.onboard(onboarded)
    show(_shown(onboarded), as_json=as_json)


@authority.command("list")
@json_option
def list_authorities(as_json: bool) -> None:
    """List every onboarded authority."""
    show([_shown(found) for found in opened().certs.authorities()], as_json=as_json)


@authority.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@json_option
def export(folder: Path, as_json: bool) -> None:
    """Write the CAs' X.509s and CRLs to a folder, for `yinxin verify --roots` on any machine."""
    service = opened().authority
    files = {f"{role.value}.cer": service.ca_x509(role).der for role in CaRole}
    files |= {f"{role.value}.crl": service.crl(role).der for role in CaRole}
    with writing_to(folder):
        for name, content in files.items():
            (folder / name).write_bytes(content)
    show({"folder": str(folder), "files": sorted(files)}, as_json=as_json)


@authority.command()
@json_option
def crl(as_json: bool) -> None:
    """Sign and publish new CRLs now."""
    installation = opened()
    days = installation.foundation.settings.crl_days
    published = installation.authority.publish_crls(days=days, principal="operator:crl")
    show(
        [
            {"number": found.number, "next_update": found.next_update.isoformat(), "revoked": len(found.revoked)}
            for found in published
        ],
        as_json=as_json,
    )


@authority.command()
@click.argument("serial")
@click.option("--reason", type=click.Choice([reason.value for reason in RevocationReason]), required=True)
@click.option("--requested-by", required=True, help="Who asks for it.")
@click.option("--approved-by", required=True, help="Who approves it: another person.")
@json_option
def revoke(serial: str, reason: str, requested_by: str, approved_by: str, as_json: bool) -> None:
    """Revoke the X.509 with this serial number (hex) and publish new CRLs."""
    try:
        number = int(serial, 16)
    except ValueError:
        raise click.BadParameter("the serial number is written in hex", param_hint="serial") from None
    installation = opened()
    service, days = installation.authority, installation.foundation.settings.crl_days
    record = service.revoke(number, RevocationReason(reason), requested_by=requested_by, approved_by=approved_by)
    service.publish_crls(days=days, principal=f"operator:{approved_by}")
    show({"serial": serial, "revoked_at": record.at.isoformat(), "reason": record.reason.value}, as_json=as_json)


def _shown(found: Authority) -> dict[str, object]:
    return {
        "authority": str(found.uscc),
        "name": found.name,
        "name_zh": found.name_zh,
        "region": found.region,
        "seal": found.seal_id,
        "types": " ".join(sorted(found.permitted_types)),
    }
