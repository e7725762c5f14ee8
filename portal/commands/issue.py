"""`yinxin issue`: one certificate from a JSON file, the same body as POST /api/v1/certs."""

from dataclasses import dataclass
from pathlib import Path

import click

from certs.routes import IssueBody
from portal.commands.opening import opened
from portal.commands.output import json_option, show
from trust.config import load_settings
from trust.http.errors import BodyTooLarge
from trust.http.parsing import parse_json
from trust.kernel.identifiers import Uscc
from trust.kernel.text import check_person


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operator:
    """The operator at the machine, acting for one authority."""

    client: str
    authority: str

    @property
    def name(self) -> str:
        return f"operator:{self.client}"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--authority", required=True, help="Unified social credit code of the issuing authority.")
@click.option("--by", required=True, help="Who does this: the operator's name at work.")
@click.option("--key", required=True, help="Idempotency key: the same key never issues twice.")
@json_option
def issue(file: Path, authority: str, by: str, key: str, as_json: bool) -> None:
    """Issue the certificate that FILE describes."""
    settings = load_settings()
    content = file.read_bytes()
    if len(content) > settings.max_body_bytes:
        raise BodyTooLarge(f"The file may have at most {settings.max_body_bytes} bytes.", field="file")
    body = parse_json(content, IssueBody)
    operator = _Operator(client=check_person(by, field="by"), authority=str(Uscc.parse(authority, field="authority")))
    certs = opened().certs
    certificate = certs.issue(operator, body.parse(key))
    show(
        {
            "identifier": certificate.identifier,
            "status": certificate.state.value,
            "issued_at": certificate.issued_at.isoformat(),
            "verification": certs.verification_link(certificate).text,
        },
        as_json=as_json,
    )
