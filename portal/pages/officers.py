"""Officers on their pages: which office somebody holds, and that they act with a fresh and strong sign-in (law 9)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from portal.pages.browser import PersonFinder, Visitor
from sso.accounts.roles import Role
from sso.signin.credentials import Enrolled
from sso.signin.domain import Strength
from sso.signin.errors import StepUpRequired
from trust.kernel.clock import Clock
from trust.kernel.errors import NotAllowed, NotFound

FRESH: Final = timedelta(minutes=15)
"""Oldest sign-in with which an officer begins something."""

FORM_TIME: Final = timedelta(hours=1)
"""Oldest sign-in with which a form is sent that was begun with a fresh one: a long form is not lost to a step-up."""

_ACTOR: Final = "person:"
_EVERY_OFFICE: Final = tuple(Role)


class OfficerSignInWeak(NotAllowed):
    """An officer acts with a second factor or a passkey, never with a password alone."""

    code = "officer-sign-in-weak"
    title = "Officers act with a second factor."
    title_zh = "管理人员操作须使用第二验证要素。"
    remedy = "Set up one-time codes or a passkey under Security, then sign in with them."
    remedy_zh = "请先在“安全设置”中启用动态验证码或通行密钥，再以其登录。"


class Roles(Protocol):
    """Who holds which office (`sso.accounts.roles.RoleDesk`)."""

    def require(self, person_id: str, *roles: Role) -> Role:
        """Return the office when it is one of these. Raises `RoleMissing`."""
        ...


class Enrolments(Protocol):
    """What a person can sign in with (`sso.signin.service.SignInDesk`)."""

    def enrolled(self, person_id: str) -> Enrolled:
        """Return it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Officers:
    """Decides who may see and who may act."""

    roles: Roles
    enrolments: Enrolments
    persons: PersonFinder
    clock: Clock

    def holding(self, visitor: Visitor, *roles: Role) -> Role:
        """Return the visitor's office when it is one of these, of any when none is named. Raises `RoleMissing`."""
        return self.roles.require(visitor.person.id, *(roles or _EVERY_OFFICE))

    def acting(self, visitor: Visitor, *roles: Role, max_age: timedelta = FRESH) -> None:
        """Let an officer act. Raises `RoleMissing`, `OfficerSignInWeak`, `StepUpRequired`."""
        self.holding(visitor, *roles)
        strongest = self.enrolments.enrolled(visitor.person.id).strongest
        if max(strongest, visitor.session.strength) < Strength.ONE_TIME_CODE:
            raise OfficerSignInWeak
        if not visitor.session.meets(strongest, now=self.clock.now(), max_age=max_age):
            raise StepUpRequired

    def name(self, actor: str) -> str:
        """Return who acted: officers by the names of their accounts, operators as they named themselves."""
        if not actor.startswith(_ACTOR):
            return actor
        try:
            return self.persons.get(actor.removeprefix(_ACTOR)).name
        except NotFound:
            return actor


def actor_of(visitor: Visitor) -> str:
    """Return how an officer stands in a record: by the id of the account, which does not change with a name."""
    return f"{_ACTOR}{visitor.person.id}"
