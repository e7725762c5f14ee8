"""What a token carries, as JSON: the public claims, and the members that only this service may read.

The second half travels sealed in the claim `ref`. A grant keeps both halves, sealed, in its row.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sso.accounts.domain import ProofingLevel
from sso.provider.claims import Assurance, Representation, TokenContents
from sso.revocation.domain import Tie
from sso.signin.domain import Strength

REFERENCE_CLAIM: Final = "ref"
NATURAL: Final = "natural"
LEGAL: Final = "legal"

_LEVELS = {level.urn: level for level in ProofingLevel}
_STRENGTHS = {strength.urn: strength for strength in Strength}
_OPTIONAL = ("act", "matter", "purpose", "case")


def public_claims(contents: TokenContents) -> dict[str, Any]:
    """Return the claims that everybody with the token may read (RFC 9068 section 2.2), without those of the moment."""
    claims: dict[str, Any] = {
        "client_id": contents.client,
        "aud": contents.audience,
        "scope": " ".join(sorted(contents.scopes)),
        "acr": contents.assurance.strength.urn,
        "amr": list(contents.assurance.methods),
        "ial": contents.assurance.level.urn,
        "auth_time": int(contents.assurance.auth_time.timestamp()),
    }
    claims |= {name: value for name in _OPTIONAL if (value := getattr(contents, name)) is not None}
    if contents.represents is not None:
        claims["represents"] = represented_claim(contents.represents)
    if contents.confirmation is not None:
        claims["cnf"] = {"jkt": contents.confirmation}
    return claims


def represented_claim(represents: Representation) -> dict[str, Any]:
    """Return for whom the subject acts, without `sub`. The name of a natural person is for `userinfo` only (law 7)."""
    legal = represents.uscc is not None
    claim: dict[str, Any] = {
        "kind": LEGAL if legal else NATURAL,
        "mandate": {"id": represents.mandate, "kind": represents.kind},
    }
    return claim | {"name": represents.name, "uscc": represents.uscc} if legal else claim


def private_members(contents: TokenContents) -> dict[str, Any]:
    """Return what only this service may read."""
    represents = contents.represents
    return {
        "person": contents.person,
        "grant": contents.grant,
        "session": contents.session,
        "ties": sorted(str(tie) for tie in contents.ties),
        "represents": represents and [represents.person, represents.name],
        "depth": contents.depth,
        "hop": contents.hop,
        "types": sorted(contents.types),
        "clerk": contents.clerk,
    }


def contents_of(public: Mapping[str, Any], private: Mapping[str, Any]) -> TokenContents:
    """Return the contents of both halves. Both were written here and verified before, so no member is doubted."""
    return TokenContents(
        client=public["client_id"],
        audience=public["aud"],
        person=private["person"],
        grant=private["grant"],
        session=private["session"],
        scopes=frozenset(public["scope"].split(" ")) if public["scope"] else frozenset(),
        assurance=Assurance(
            level=_LEVELS[public["ial"]],
            strength=_STRENGTHS[public["acr"]],
            methods=tuple(public["amr"]),
            auth_time=datetime.fromtimestamp(public["auth_time"], UTC),
        ),
        ties=frozenset(Tie.parse(text) for text in private["ties"]),
        represents=_representation(public, private),
        depth=private["depth"],
        hop=private["hop"],
        types=frozenset(private["types"]),
        clerk=private["clerk"],
        confirmation=public["cnf"]["jkt"] if "cnf" in public else None,
        **{name: public[name] for name in _OPTIONAL if name in public},
    )


def _representation(public: Mapping[str, Any], private: Mapping[str, Any]) -> Representation | None:
    if private["represents"] is None:
        return None
    person, name = private["represents"]
    claim = public["represents"]
    return Representation(
        person=person, mandate=claim["mandate"]["id"], kind=claim["mandate"]["kind"], name=name, uscc=claim.get("uscc")
    )
