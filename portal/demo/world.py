"""The demonstration's world: an invented authority with its seal and an API client, in a fresh installation."""

from dataclasses import dataclass, field

from certs.authorities import Authority
from portal.demo import data
from portal.wiring import Installation
from seals.domain import SealRecord
from trust.kernel.identifiers import Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """What a department's system is given to call the API."""

    id: str
    secret: str = field(repr=False)


def make_seal(installation: Installation) -> SealRecord:
    """Apply for the authority's seal as one person and approve it as another."""
    application = installation.seals.apply_for(
        name=data.AUTHORITY_NAME_ZH,
        uscc=data.AUTHORITY,
        code=data.SEAL_CODE,
        line=data.SEAL_LINE,
        requested_by="周申请",
    )
    return installation.seals.approve(application.seal_id, approved_by="吴审批")


def onboard(installation: Installation, seal: SealRecord) -> Authority:
    """Onboard the authority with its seal and the two demonstration types."""
    authority = Authority(
        uscc=Uscc.parse(data.AUTHORITY),
        name=data.AUTHORITY_NAME,
        name_zh=data.AUTHORITY_NAME_ZH,
        region=data.AUTHORITY_REGION,
        seal_id=seal.seal_id,
        permitted_types=frozenset({data.FOOD_LICENCE, data.RESIDENCE_PERMIT}),
    )
    installation.certs.onboard(authority)
    return authority


def register_client(installation: Installation) -> ApiClient:
    """Register the authority's business system as an API client."""
    registered = installation.clients.register(label="演示业务系统", authority=data.AUTHORITY, scopes=data.SCOPES)
    return ApiClient(id=registered.client.id, secret=registered.secret)
