"""Token exchange: what is passed on, and what is refused by the RFC's own names."""

import dataclasses
import json
from datetime import timedelta

import pytest

from sso.passing.domain import MAX_DEPTH, PASSED_SECONDS
from sso.passing.request import ACCESS_TOKEN, MAX_CHARACTERS
from sso.provider.domain import ClientAuthentication
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.signing import UnsignedToken
from sso.provider.store.participants import DatabaseParticipants
from sso.revocation.domain import Tie, TieKind
from tests.fakes import MOMENT
from tests.sso.passing.support import API_AUDIENCE, LICENCE, PERMIT, RENEWAL, World


def refusal(world: World, client, **form) -> tuple[str, str]:
    """Return the error and description of an exchange that must be refused, and leaves no hop."""
    before = len(world.hops.about(world.citizen.id, limit=100))
    with pytest.raises(OAuthRefused) as caught:
        world.exchange(client, **form)
    assert len(world.hops.about(world.citizen.id, limit=100)) == before
    return caught.value.error, caught.value.description


@pytest.fixture
def token(world):
    return world.matter_token(world.citizen, world.portal)


class TestOnline:
    def test_the_next_system_learns_who_the_citizen_is_and_who_passed_them_on(self, world, token):
        answer = world.exchange(world.portal, subject_token=token, audience=world.next.id)
        assert answer["issued_token_type"] == ACCESS_TOKEN
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", PASSED_SECONDS)
        assert "refresh_token" not in answer
        read = world.read(answer["access_token"])
        contents = read.contents
        assert contents.person == world.citizen.id
        assert read.claims["aud"] == world.next.relying.resource
        assert read.subject == world.subjects.subject(world.citizen.id, sector="next.example.gov.cn")
        assert read.subject != world.read(token).subject
        assert (contents.act["sub"], contents.act["channel"]) == (world.portal.id, "online")
        assert contents.act["pass"] == {
            "hop": contents.hop,
            "number": 1,
            "matter": RENEWAL.code,
            "purpose": RENEWAL.purpose,
            "purpose_zh": RENEWAL.purpose_zh,
            "at": int(MOMENT.timestamp()),
            "link": contents.act["pass"]["link"],
        }
        assert "clerk" not in contents.act
        assert "counter" not in contents.act

    def test_a_resource_names_the_target_as_well(self, world, token):
        read = world.passed(world.portal, subject_token=token, resource=world.next.relying.resource)
        assert read.contents.audience == world.next.relying.resource

    def test_the_certificate_api_gets_the_right_to_read_and_nothing_else(self, world, token):
        for named in ("api", API_AUDIENCE):
            contents = world.passed(world.portal, subject_token=token, audience=named).contents
            assert (contents.audience, contents.scopes) == (API_AUDIENCE, {"certs:read"})
            assert contents.types == RENEWAL.types

    def test_the_recipient_passes_on_and_the_old_chain_stands_whole_inside_the_new(self, world, token):
        first = world.exchange(world.portal, subject_token=token, audience=world.next.id)["access_token"]
        old = world.read(first).contents
        new = world.passed(world.next, subject_token=first, audience="api").contents
        assert new.act["act"] == old.act
        assert (new.depth, new.act["sub"]) == (2, world.next.id)
        assert old.ties < new.ties
        world.log.check(new.hop)

    def test_the_target_is_told_of_the_sign_out(self, world, token):
        world.exchange(world.portal, subject_token=token, audience=world.next.id)
        (reached,) = DatabaseParticipants(world.database).of_session(world.read(token).contents.session)
        assert reached.participant.client == world.next.id
        assert reached.participant.person_tie == world.citizen.tie_id

    def test_the_end_of_the_sign_in_ends_what_was_passed_on(self, world, token):
        passed = world.exchange(world.portal, subject_token=token, audience=world.next.id)["access_token"]
        session = world.read(token).contents.session
        world.revocations.cut({Tie(TieKind.SESSION, session)}, reason="logout", at=world.clock.now())
        assert refusal(world, world.next, subject_token=passed, audience="api")[0] == "invalid_request"

    def test_revoking_the_token_alone_ends_what_was_made_of_it(self, world, token):
        passed = world.exchange(world.portal, subject_token=token, audience=world.next.id)["access_token"]
        jti = world.read(token).jti
        world.revocations.cut({Tie(TieKind.TOKEN, jti)}, reason="revoked", at=world.clock.now())
        assert refusal(world, world.next, subject_token=passed, audience="api")[0] == "invalid_request"

    def test_a_passed_token_never_lives_longer_than_the_one_before(self, world):
        token = world.matter_token(world.citizen, world.portal, seconds=90)
        world.clock.advance(seconds=30)
        answer = world.exchange(world.portal, subject_token=token, audience=world.next.id)
        assert answer["expires_in"] == 60
        world.clock.advance(seconds=59, milliseconds=500)
        assert refusal(world, world.portal, subject_token=token, audience=world.next.id)[0] == "invalid_request"

    def test_a_sign_in_without_a_matter_passes_the_sign_in_alone(self, world):
        token = world.token(world.citizen, world.portal, scopes="openid profile")
        contents = world.passed(world.portal, subject_token=token, audience=world.next.id).contents
        assert (contents.matter, contents.purpose, contents.types) == (None, None, frozenset())
        (row,) = world.log.of(world.citizen.id)
        assert (row.purpose, row.purpose_zh) == ("Sign-in passed on", "登录信任传递")


class TestRefused:
    def test_a_client_that_may_not_pass_trust_is_unauthorized(self, world, token):
        lonely = world.system("lonely")
        plain = dataclasses.replace(world.portal, relying=None)
        proves_nothing = dataclasses.replace(world.portal.relying, authentication=ClientAuthentication.NONE)
        public = dataclasses.replace(world.portal, relying=proves_nothing)
        for client in (lonely, plain, public):
            assert refusal(world, client, subject_token=token, audience="api")[0] == "unauthorized_client"

    @pytest.mark.parametrize(
        "changes",
        [
            {"subject_token": None},
            {"subject_token_type": None},
            {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
            {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            {"actor_token": "x", "actor_token_type": ""},
            {"actor_token_type": ACCESS_TOKEN},
            {"actor_token": "x", "actor_token_type": "urn:ietf:params:oauth:token-type:id_token"},
            {"audience": None},
            {"audience": "api", "resource": API_AUDIENCE},
            {"case": "x" * 257},
            {"case": "01NOSUCHCASE00000000000000"},
            {"subject_token": "x" * (MAX_CHARACTERS + 1)},
            {"subject_token": "not a token"},
            {"actor_token": "not a token", "actor_token_type": ACCESS_TOKEN},
        ],
    )
    def test_a_request_that_is_not_one_is_invalid(self, world, token, changes):
        form = {"subject_token": token, "audience": world.next.id, **changes}
        assert refusal(world, world.portal, **form)[0] == "invalid_request"

    @pytest.mark.parametrize("named", ["nobody", "https://nobody.example/", "x" * 257, "last", "self"])
    def test_a_target_outside_the_registration_is_an_invalid_target(self, world, token, named):
        named = {"last": world.last.id, "self": world.portal.id}.get(named, named)
        assert refusal(world, world.portal, subject_token=token, audience=named)[0] == "invalid_target"

    def test_a_disabled_target_is_an_invalid_target(self, world, token):
        world.clients.disable(world.next.id, world.clock.now())
        assert refusal(world, world.portal, subject_token=token, audience=world.next.id)[0] == "invalid_target"

    def test_certificates_need_a_matter(self, world):
        token = world.token(world.citizen, world.portal)
        assert refusal(world, world.portal, subject_token=token, audience="api")[0] == "invalid_target"

    @pytest.mark.parametrize("scope", ["identity", "counter:assist", "certs:issue", "nonsense", "openid nonsense"])
    def test_more_than_the_subject_token_has_is_an_invalid_scope(self, world, token, scope):
        form = {"subject_token": token, "audience": world.next.id, "scope": scope}
        assert refusal(world, world.portal, **form)[0] == "invalid_scope"

    def test_a_clerks_right_to_assist_is_never_passed_on(self, world):
        token = world.token(world.citizen, world.portal, scopes="openid counter:assist")
        assert world.passed(world.portal, subject_token=token, audience=world.next.id).contents.scopes == {"openid"}
        form = {"subject_token": token, "audience": world.next.id, "scope": "counter:assist"}
        assert refusal(world, world.portal, **form)[0] == "invalid_scope"

    def test_what_the_target_does_not_take_is_not_passed(self, world, token):
        form = {"subject_token": token, "audience": "api", "scope": "openid certs:read"}
        assert refusal(world, world.portal, **form)[0] == "invalid_scope"

    def test_a_token_of_others_is_refused(self, world, token):
        assert refusal(world, world.hall, subject_token=token, audience="api")[0] == "invalid_request"

    def test_an_expired_token_is_refused(self, world, token):
        world.clock.advance(seconds=1800)
        assert refusal(world, world.portal, subject_token=token, audience="api")[0] == "invalid_request"

    @pytest.mark.parametrize("typ", ["JWT", "logout+jwt", "offline+jwt"])
    def test_a_token_of_another_kind_labelled_as_an_access_token_is_refused(self, world, token, typ):
        claims = world.read(token).claims
        unsigned = UnsignedToken(claims=claims, typ=typ, document="token:x", why="test")
        other = world.token_signer.sign(unsigned, principal="client:test")
        assert refusal(world, world.portal, subject_token=other, audience="api")[0] == "invalid_request"

    def test_a_systems_own_token_is_no_persons(self, world, token):
        claims = {name: value for name, value in world.read(token).claims.items() if name != "ref"}
        claims |= {"sub": world.portal.id, "authority": "91350100M000100Y43"}
        unsigned = UnsignedToken(claims=claims, typ="at+jwt", document="token:x", why="test")
        other = world.token_signer.sign(unsigned, principal="client:test")
        assert refusal(world, world.portal, subject_token=other, audience="api")[0] == "invalid_request"

    def test_a_chain_is_as_long_as_a_loop_at_most(self, world, token):
        loop = world.system("loop")
        loop = dataclasses.replace(loop, relying=dataclasses.replace(loop.relying, pass_to=frozenset({loop.id})))
        token = world.matter_token(world.citizen, loop)
        for number in range(1, MAX_DEPTH + 1):
            token = world.exchange(loop, subject_token=token, audience=loop.id)["access_token"]
            assert world.read(token).contents.depth == number
        error, description = refusal(world, loop, subject_token=token, audience=loop.id)
        assert (error, description) == ("invalid_request", "Trust is passed on 4 times at most.")

    def test_nothing_of_a_refused_request_is_in_the_answer(self, world, token):
        with pytest.raises(OAuthRefused) as caught:
            world.exchange(world.portal, subject_token=token + "x", audience="secret-target")
        shown = json.dumps([caught.value.description, caught.value.officer])
        assert token not in shown
        assert "secret-target" not in shown

    def test_a_types_registration_bounds_what_the_api_opens(self, world, token):
        narrow = dataclasses.replace(world.portal.relying, types=frozenset({PERMIT}))
        portal = dataclasses.replace(world.portal, relying=narrow)
        assert world.passed(portal, subject_token=token, audience="api").contents.types == {PERMIT}
        none = dataclasses.replace(portal, relying=dataclasses.replace(narrow, types=frozenset()))
        assert refusal(world, none, subject_token=token, audience="api")[0] == "invalid_target"


class TestBoundTokens:
    """RFC 9449: a bound token is passed on by the holder of its key alone, and what comes out is bound again."""

    def test_a_bound_token_needs_the_proof_of_its_key(self, world):
        token = world.matter_token(world.citizen, world.portal, confirmation="key-a")
        for confirmation in (None, "key-b"):
            form = {"subject_token": token, "audience": "api", "confirmation": confirmation}
            assert refusal(world, world.portal, **form)[0] == "invalid_request"
        answer = world.exchange(world.portal, subject_token=token, audience="api", confirmation="key-a")
        assert answer["token_type"] == "DPoP"
        assert world.read(answer["access_token"]).contents.confirmation == "key-a"

    def test_a_proof_binds_what_was_not_bound(self, world, token):
        answer = world.exchange(world.portal, subject_token=token, audience="api", confirmation="key-a")
        assert world.read(answer["access_token"]).claims["cnf"] == {"jkt": "key-a"}

    def test_a_bound_actor_token_needs_the_proof_too(self, world):
        actor = world.clerk_token(confirmation="key-clerk")
        case = world.open_case()
        form = {"presence": "yes", "subject_token": world.qr(), "actor_token": actor, "case": case.id}
        assert refusal(world, world.hall, audience=world.hall.id, **form)[0] == "invalid_request"
        assert world.exchange(world.hall, audience=world.hall.id, confirmation="key-clerk", **form)


class TestMandates:
    def test_both_subjects_and_the_mandate_go_along(self, world):
        mandate, facts = world.represented()
        token = world.matter_token(world.citizen, world.portal, **facts)
        contents = world.passed(world.portal, subject_token=token, audience="api").contents
        assert contents.represents.person == world.company.id
        assert contents.types == {LICENCE}
        hop = world.hops.find(contents.hop)
        assert (hop.subject, hop.represents, hop.mandate) == (world.citizen.id, world.company.id, mandate.id)

    def test_a_mandate_that_has_ended_is_refused(self, world):
        mandate, facts = world.represented()
        token = world.matter_token(world.citizen, world.portal, **facts)
        world.mandates.all[mandate.id] = dataclasses.replace(mandate, withdrawn_at=world.clock.now())
        assert refusal(world, world.portal, subject_token=token, audience="api")[0] == "invalid_request"

    def test_a_mandate_for_another_matter_is_refused(self, world):
        mandate, facts = world.represented()
        world.mandates.all[mandate.id] = dataclasses.replace(mandate, matters=frozenset({"M-OTHER"}))
        token = world.matter_token(world.citizen, world.portal, **facts)
        assert refusal(world, world.portal, subject_token=token, audience="api")[0] == "invalid_request"

    def test_a_withdrawn_mandate_ends_what_was_passed_on(self, world):
        mandate, facts = world.represented()
        token = world.matter_token(world.citizen, world.portal, **facts)
        passed = world.exchange(world.portal, subject_token=token, audience=world.next.id)["access_token"]
        world.revocations.cut({mandate.tie}, reason="withdrawn", at=world.clock.now())
        assert refusal(world, world.next, subject_token=passed, audience="api")[0] == "invalid_request"


def test_the_hop_is_kept_before_the_token_is_signed(world, token):
    class Broken:
        def mint(self, contents, *, expires_at, sector):
            self.seen = world.hops.find(contents.hop)
            raise RuntimeError

    broken = Broken()
    parts = dataclasses.replace(world.grant._parts, mint=broken)
    grant = type(world.grant)(parts, clock=world.clock)
    form = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": world.next.id}
    with pytest.raises(RuntimeError):
        grant.answer(world.portal, form, confirmation=None)
    assert broken.seen is not None
    assert broken.seen.expires_at == MOMENT + timedelta(seconds=PASSED_SECONDS)
