"""Officers admit relying systems: one applies, another decides, the first collects the secret. No JavaScript."""

import html
import re
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from portal.pages import systems
from portal.pages.officers import Officers
from portal.pages.systems import SystemServices
from portal.pages.texts_systems import SYSTEM_TEXTS
from sso.accounts.roles import Role
from sso.provider.application import ApplicationKind, ApplicationState
from sso.provider.applications import ApplicationDesk
from sso.provider.domain import ClientAuthentication, Scope
from sso.provider.service import ClientRegistry
from sso.provider.store.applications import DatabaseApplicationStore
from sso.provider.store.clients import DatabaseClientStore
from tests.fakes import CountingRandomness
from tests.portal.my_registers import Offices
from tests.portal.offices import MATTER, TYPE, Office, hidden_fields, open_office
from tests.sso.signin.world import ZHANG
from trust.authority.errors import SamePerson
from trust.db import Base
from trust.kernel.errors import NotFound

ZH = SYSTEM_TEXTS["zh"]
AUTHORITY = "91350100M000100Y43"
FORM = {
    "label": "不动产登记系统",
    "authority": AUTHORITY,
    "contact": "信息科",
    "why": "综合窗口接入",
    "scopes": ["openid", "identity"],
    "identity": "登记须核对证件号码",
    "redirect_uris": "https://estate.example/cb\r\nhttps://estate.example/other\r\n",
    "matters": [MATTER.code],
    "types": [TYPE],
    "authentication": "client_secret",
    "signing_algorithm": "ES256",
}


class Catalogues:
    def matters(self):
        return [MATTER]

    def matter(self, code: str):
        if code != MATTER.code:
            raise NotFound
        return MATTER

    def get(self, code: str, /):
        if code != TYPE:
            raise NotFound
        return code

    def type_names(self, *, english: bool):
        return [(TYPE, "Business licence" if english else "营业执照")]


@dataclass
class Hall:
    """The office of `offices`, with the pages of systems and one visitor who changes office."""

    office: Office
    offices: Offices
    desk: ApplicationDesk
    clients: ClientRegistry

    def become(self, role: Role | None) -> None:
        self.offices.held = {} if role is None else {ZHANG.id: role}

    def post(self, page: str, action: str | None = None, **fields):
        shown = self.office.page(page)
        target = action or page
        return self.office.client.post(target, data=hidden_fields(shown, target) | fields)

    def applied(self) -> str:
        """Apply through form and check page; return the id."""
        self.become(Role.SYSTEM_ADMIN)
        checked = self.post("/systems/apply", step="check", **FORM)
        answer = self.office.client.post(
            "/systems/apply", data=all_hidden(checked, "/systems/apply") | {"step": "send"}
        )
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return answer.location.rpartition("/")[2]

    def by_another(self) -> str:
        """Return the id of an application that somebody else made."""
        own = self.applied()
        with self.office.signing.database.write() as session:
            session.execute(
                text("UPDATE sso_system_applications SET requested_by = '周申请' WHERE id = :id"), {"id": own}
            )
        return own


def all_hidden(answer, action: str) -> dict[str, list[str]]:
    shown = answer.get_data(as_text=True)
    form = re.search(rf'<form[^>]* action="{re.escape(action)}[^"]*".*?</form>', shown, re.DOTALL)
    assert form is not None
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]):
        found.setdefault(name, []).append(html.unescape(value))
    return found


@pytest.fixture
def hall(tmp_path):
    office = open_office(tmp_path)
    database, clock = office.signing.database, office.signing.clock
    tables = [Base.metadata.tables[name] for name in ("sso_clients", "sso_system_applications")]
    Base.metadata.create_all(database.writer, tables=tables)
    clients = ClientRegistry(DatabaseClientStore(database), clock, CountingRandomness(), issuer="https://trust.example")
    catalogues, offices = Catalogues(), Offices()
    desk = ApplicationDesk(
        DatabaseApplicationStore(database),
        registry=clients,
        matters=catalogues,
        types=catalogues,
        clock=clock,
        randomness=CountingRandomness(),
    )
    services = SystemServices(
        systems=desk,
        clients=clients,
        officers=Officers(roles=offices, enrolments=office.desk, persons=office.signing.persons, clock=clock),
        matters=catalogues,
        types=catalogues,
    )
    office.app.register_blueprint(systems.blueprint(office.browser, services))
    strongly(office)
    yield Hall(office=office, offices=offices, desk=desk, clients=clients)
    database.close()


def strongly(office: Office) -> None:
    """Sign in with password and one-time code."""
    app = office.signing.with_app()
    office.sign_in()
    office.send("/sign-in/code", code=app.at(office.signing.clock.now()))


def test_every_sentence_is_there_in_both_languages():
    for texts in SYSTEM_TEXTS.values():
        assert set(texts.scopes) == set(Scope)
        assert set(texts.kinds) == set(ApplicationKind)
        assert set(texts.states) == set(ApplicationState)
        assert set(texts.methods) == set(ClientAuthentication)
        assert all(getattr(texts, name) for name in texts.__slots__)
    assert SYSTEM_TEXTS["zh"].fields.keys() == SYSTEM_TEXTS["en"].fields.keys()
    assert SYSTEM_TEXTS["zh"].hints.keys() == SYSTEM_TEXTS["en"].hints.keys()


def test_a_system_goes_from_form_to_secret(hall):
    application = hall.applied()
    page = hall.office.page(f"/systems/applications/{application}")
    assert ZH.notes["applied"] in page
    assert ZH.own in page
    assert "登记须核对证件号码" in page
    assert hall.clients.clients() == ()
    hall.desk.approve(application, by="吴审批")
    answer = hall.post(f"/systems/applications/{application}", f"/systems/applications/{application}/secret")
    assert answer.headers["Cache-Control"] == "no-store"
    secret = re.findall(r"<dd><code>([^<]{43})</code>", answer.get_data(as_text=True))[0]
    page = hall.office.page(f"/systems/applications/{application}")
    assert secret not in page
    assert ZH.secret_shown in page
    assert hall.office.client.get(f"/systems/applications/{application}/secret").location.endswith(application)
    (client,) = hall.clients.clients()
    assert client.relying.redirect_uris == ("https://estate.example/cb", "https://estate.example/other")
    assert client.label in hall.office.page("/systems")


def test_another_officer_approves(hall):
    application = hall.by_another()
    hall.become(Role.SECURITY_ADMIN)
    path = f"/systems/applications/{application}"
    assert hall.post(path, f"{path}/approve").location == path
    page = hall.office.page(path)
    assert ZH.notes["approved"] in page
    assert ZHANG.name in page
    (client,) = hall.clients.clients()
    assert hall.desk.get(application).decided_by == f"person:{ZHANG.id}"
    assert client.id in page


def test_the_one_who_applied_does_not_approve_in_another_office(hall):
    application = hall.applied()
    hall.become(Role.SECURITY_ADMIN)
    path = f"/systems/applications/{application}"
    form = hidden_fields(hall.office.page(path), f"{path}/refuse")
    answer = hall.office.client.post(f"{path}/approve", data=form)
    assert answer.status_code == 422
    assert SamePerson.title_zh in answer.get_data(as_text=True)
    assert hall.clients.clients() == ()


def test_a_refusal_needs_a_reason_and_keeps_it(hall):
    application = hall.by_another()
    hall.become(Role.SECURITY_ADMIN)
    path = f"/systems/applications/{application}"
    answer = hall.post(path, f"{path}/refuse", reason=" ")
    assert answer.status_code == 422
    assert 'id="reason-fault"' in answer.get_data(as_text=True)
    assert hall.post(path, f"{path}/refuse", reason="用途不明").location == path
    assert "用途不明" in hall.office.page(path)


def test_one_takes_ones_own_application_back(hall):
    application = hall.applied()
    path = f"/systems/applications/{application}"
    assert hall.post(path, f"{path}/refuse", reason="填写有误").location == path
    assert hall.desk.get(application).state is ApplicationState.REFUSED


@pytest.mark.parametrize(
    ("changed", "field_name"),
    [
        ({"label": ""}, "label"),
        ({"contact": " "}, "contact"),
        ({"authority": "123"}, "authority"),
        ({"redirect_uris": "https://*.example/"}, "redirect_uris"),
        ({"identity": ""}, "identity"),
        ({"jwks": "{"}, "jwks"),
        ({"jwks": "[]"}, "jwks"),
        ({"authentication": "private_key_jwt"}, "jwks"),
        ({"resource": "http://a.example/"}, "resource"),
        ({"why": "x"}, "why"),
    ],
)
def test_what_does_not_fit_is_named_at_its_field_and_what_was_typed_stays(hall, changed, field_name):
    hall.become(Role.SYSTEM_ADMIN)
    answer = hall.post("/systems/apply", step="check", **(FORM | changed))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field_name}-fault"' in page
    assert f'href="#{field_name}"' in page
    assert "综合窗口接入" in page or "why" in changed
    assert re.search(r'name="scopes" value="identity" checked', page)
    assert hall.desk.applications() == ()


@pytest.mark.parametrize(
    ("changed", "field_name"),
    [({"scopes": []}, "scopes"), ({"matters": ["none"]}, "matters"), ({"pass_to": ["none"]}, "pass_to")],
)
def test_a_group_of_boxes_is_named_as_well(hall, changed, field_name):
    hall.become(Role.SYSTEM_ADMIN)
    form = FORM | {"identity": "", "scopes": ["openid"]} | changed
    answer = hall.post("/systems/apply", step="check", **form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert re.search(rf'class="boxes faulty" id="{field_name}"', page)


def test_back_from_the_check_page_nothing_is_lost(hall):
    hall.become(Role.SYSTEM_ADMIN)
    checked = hall.post("/systems/apply", step="check", **FORM)
    again = hall.office.client.post("/systems/apply", data=all_hidden(checked, "/systems/apply") | {"step": "edit"})
    page = again.get_data(as_text=True)
    assert again.status_code == 200
    assert "https://estate.example/other" in page
    assert 'value="登记须核对证件号码"' in page
    assert hall.desk.applications() == ()


def test_a_change_shows_what_it_alters(hall):
    hall.desk.approve(hall.applied(), by="吴审批")
    (client,) = hall.clients.clients()
    path = f"/systems/{client.id}/change"
    page = hall.office.page(path)
    assert 'value="不动产登记系统"' in page
    checked = hall.post(path, step="check", **(FORM | {"label": "新名称"}))
    assert f"{ZH.was}: " in checked.get_data(as_text=True)
    sent = hall.office.client.post(path, data=all_hidden(checked, path) | {"step": "send"})
    assert hall.clients.get(client.id).label == "不动产登记系统"
    hall.desk.approve(sent.location.rpartition("/")[2], by="吴审批")
    assert hall.clients.get(client.id).label == "新名称"


@pytest.mark.parametrize("verb", ["rotate", "disable"])
def test_another_secret_and_the_end_are_applied_for(hall, verb):
    hall.desk.approve(hall.applied(), by="吴审批")
    (client,) = hall.clients.clients()
    path = f"/systems/{client.id}"
    assert hall.post(path, f"{path}/{verb}", **{verb: "x"}).status_code == 422
    answer = hall.post(path, f"{path}/{verb}", **{verb: "例行处理"})
    application = hall.desk.get(answer.location.rpartition("/")[2])
    assert application.kind.value == verb
    assert "例行处理" in hall.office.page(answer.location)
    hall.desk.approve(application.id, by="吴审批")
    assert hall.clients.get(client.id).enabled is (verb == "rotate")
    assert hall.office.client.get(f"{path}/{verb}").location == path


@pytest.mark.parametrize("path", ["/systems", "/systems/apply", "/systems/x", "/systems/applications/x"])
def test_the_pages_are_for_officers(hall, path):
    assert hall.office.client.get(path).status_code == 403
    hall.office.send("/security", "/sign-out")
    assert hall.office.client.get(path).location.startswith("/sign-in?next=")


def test_each_office_does_its_own(hall):
    application = hall.by_another()
    path = f"/systems/applications/{application}"
    token = hidden_fields(hall.office.page("/systems/apply"), "/systems/apply")
    for role, forbidden in (
        (Role.AUDITOR, ("/systems/apply", f"{path}/approve", f"{path}/refuse", f"{path}/secret")),
        (Role.SECURITY_ADMIN, ("/systems/apply", f"{path}/secret")),
        (Role.SYSTEM_ADMIN, (f"{path}/approve", f"{path}/refuse")),
    ):
        hall.become(role)
        assert hall.office.client.get("/systems").status_code == 200
        assert hall.office.client.get(path).status_code == 200
        for address in forbidden:
            assert hall.office.client.post(address, data=token | {"reason": "理由"}).status_code == 403, (role, address)
    assert hall.desk.get(application).state is ApplicationState.WAITING


@pytest.mark.parametrize("path", ["/systems/nobody", "/systems/nobody/change", "/systems/applications/nobody"])
def test_what_is_not_there_is_said_to_be_missing(hall, path):
    hall.become(Role.SYSTEM_ADMIN)
    assert hall.office.client.get(path).status_code == 404


def test_a_stale_sign_in_is_renewed_before_anything_is_typed_and_a_long_form_is_not_lost(hall):
    hall.become(Role.SYSTEM_ADMIN)
    token = hidden_fields(hall.office.page("/systems/apply"), "/systems/apply")
    hall.office.signing.clock.advance(minutes=16)
    assert hall.office.client.get("/systems/apply").location == "/step-up?next=%2Fsystems%2Fapply"
    assert hall.office.client.post("/systems/apply", data=token | FORM | {"step": "check"}).status_code == 200


def test_a_password_alone_is_too_weak_for_an_officer(tmp_path, hall):
    with hall.office.signing.database.write() as session:
        session.execute(text("DELETE FROM sso_totp"))
    hall.office.send("/security", "/sign-out")
    hall.office.sign_in()
    hall.become(Role.SYSTEM_ADMIN)
    answer = hall.office.client.get("/systems/apply", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (403, "officer-sign-in-weak")


def test_english_is_one_click_away(hall):
    hall.become(Role.SYSTEM_ADMIN)
    assert "Apply for a new system" in hall.office.page("/systems", lang="en")
    assert "Rights asked for" in hall.office.page("/systems/apply", lang="en")
