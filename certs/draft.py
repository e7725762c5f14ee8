"""Step 2 of issuing: whether this authority may issue this certificate with these data.

The same checks run again when recovery continues an intent: what was accepted then may have been withdrawn since.
"""

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from certs.authorities import Authority
from certs.catalogue import CertificateType
from certs.domain import Action, Certificate, IssueCommand
from certs.face import Face, Role
from certs.library_errors import (
    AuthorityNotOnboarded,
    CertificateOfAnotherAuthority,
    CertificateUnknown,
    HolderKindMismatch,
    SupersedesMismatch,
    ValidityOver,
)
from certs.ports import Archive, Workshop
from certs.vault import Vault
from trust.formats.holders import HolderNumber
from trust.kernel.clock import calendar_day
from trust.kernel.identifiers import CertificateIdentifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A command that passed all checks, with what they found. `moment` is the time of acceptance, not of a retry."""

    command: IssueCommand
    authority: Authority
    kind: CertificateType
    face: Face
    moment: datetime


class Checks:
    """The rules of step 2."""

    def __init__(self, *, workshop: Workshop, archive: Archive, vault: Vault) -> None:
        self._workshop = workshop
        self._archive = archive
        self._vault = vault

    def draft(self, authority_code: str, command: IssueCommand, moment: datetime) -> Draft:
        """Return the command with all that the checks found.

        Raises:
            AuthorityNotOnboarded, TypeUnknown, TypeNotPermitted: the authority may not issue this.
            HolderKindMismatch, ValidityOver, UnrenderableCharacter, and the errors of `CertificateType.parse_face`: the
                data are not right.
            CertificateUnknown, CertificateOfAnotherAuthority, SupersedesMismatch, TransitionNotAllowed: the version to
                be replaced cannot be.
        """
        kind = self._workshop.types.get(command.type_code)
        authority = self.authority(authority_code)
        authority.require_permitted(kind.code)
        holder = command.contents.holder.code
        if holder.kind != kind.holder_kind:
            raise HolderKindMismatch(f"This type takes the kind {kind.holder_kind}.", field="holder.kind")
        face = _face(kind, command, moment)
        if command.valid_to is not None and command.valid_to < calendar_day(moment):
            raise ValidityOver(field="valid_to")
        self._workshop.renderer.check_renderable(face, authority=authority.name_zh)
        if command.supersedes is not None:
            self._check_replaced(command.supersedes, kind.code, authority, holder).after(Action.SUPERSEDE, moment)
        return Draft(command=command, authority=authority, kind=kind, face=face, moment=moment)

    def authority(self, code: str) -> Authority:
        """Return the onboarded authority. Raises `AuthorityNotOnboarded`."""
        found = self._archive.authorities.find(code)
        if found is None:
            raise AuthorityNotOnboarded(f"{code} is not onboarded.")
        return found

    def _check_replaced(
        self, identifier: CertificateIdentifier, type_code: str, authority: Authority, holder: HolderNumber
    ) -> Certificate:
        if identifier.issuer != authority.uscc:
            raise CertificateOfAnotherAuthority(field="supersedes")
        replaced = self._archive.library.find(identifier.value)
        if replaced is None:
            raise CertificateUnknown(field="supersedes")
        if replaced.type_code != type_code or replaced.holder_index != self._vault.holder_index(holder):
            raise SupersedesMismatch(field="supersedes")
        return replaced


def _face(kind: CertificateType, command: IssueCommand, moment: datetime) -> Face:
    """Return the checked face; the day of issue is the authority's own date if the face gives one, else today."""
    contents, today = command.contents, calendar_day(moment)
    common: dict[Role, str] = {
        Role.HOLDER_NAME: contents.holder.name,
        Role.HOLDER_NUMBER: contents.holder.code.number,
        Role.NUMBER: contents.number,
        Role.VALID_FROM: command.valid_from.isoformat(),
    }
    if command.valid_to is not None:
        common[Role.VALID_TO] = command.valid_to.isoformat()
    if kind.key_of(Role.ISSUED_ON) not in contents.face:
        common[Role.ISSUED_ON] = today.isoformat()
    return kind.parse_face(contents.face, today=today, common=MappingProxyType(common))
