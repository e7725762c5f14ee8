"""`yinxin issue`: one certificate from a JSON file, the same body as POST /api/v1/certs."""

import json
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import ValidationError

from certs.routes import IssueBody
from portal.commands.output import json_option, show
from portal.wiring import open_installation
from trust.config import load_settings
from trust.kernel.errors import MalformedInput
from trust.kernel.identifiers import Uscc


class IssueFileUnreadable(MalformedInput):
    """The file given to `yinxin issue` is not the JSON of one certificate."""

    code = "issue-file-unreadable"
    title = "The file does not describe one certificate."
    title_zh = "该文件不是一份证照的申请数据。"
    remedy = "Write the JSON body that docs describes for POST /api/v1/certs."
    remedy_zh = "请按 POST /api/v1/certs 的请求体格式编写 JSON。"


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
        raise IssueFileUnreadable(f"The file exceeds {settings.max_body_bytes} bytes.", field="file")
    try:
        body = IssueBody.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise IssueFileUnreadable(f"{name or 'the file'}: {first['msg']}", field=name or None) from None
    except json.JSONDecodeError as error:
        raise IssueFileUnreadable(str(error)) from None
    operator = _Operator(client=by, authority=str(Uscc.parse(authority)))
    certs = open_installation(settings).certs
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
