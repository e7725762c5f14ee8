from datetime import timedelta

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from tests.fakes import MOMENT
from tests.trust.authority.conftest import OPERATOR, World
from trust.authority.errors import AuthorityNotEstablished
from trust.authority.profiles import CaRole
from trust.authority.routes import CRL_CACHE_SECONDS, X509_CACHE_SECONDS, blueprint
from trust.formats.x509 import parse_crl


@pytest.fixture
def client(world: World) -> FlaskClient:
    app = APIFlask("test")
    app.testing = True
    app.register_blueprint(blueprint(world.service, world.clock))
    return app.test_client()


@pytest.mark.parametrize("role", list(CaRole))
def test_certificate_is_served_as_der_and_cached(world: World, client: FlaskClient, role: CaRole) -> None:
    world.establish()
    answer = client.get(f"/pki/{role}.cer")
    assert answer.status_code == 200
    assert answer.data == world.service.ca_x509(role).der
    assert answer.mimetype == "application/pkix-cert"
    assert (answer.cache_control.public, answer.cache_control.max_age) == (True, X509_CACHE_SECONDS)


@pytest.mark.parametrize("role", list(CaRole))
def test_list_is_served_with_its_times(world: World, client: FlaskClient, role: CaRole) -> None:
    world.establish()
    world.service.publish_crls(days=7, principal=OPERATOR)
    answer = client.get(f"/pki/{role}.crl")
    assert answer.mimetype == "application/pkix-crl"
    assert parse_crl(answer.data).number == 1
    assert answer.cache_control.max_age == CRL_CACHE_SECONDS
    assert (answer.last_modified, answer.expires) == (MOMENT, MOMENT + timedelta(days=7))


@pytest.mark.parametrize(("left", "cached"), [(timedelta(minutes=5), 300), (timedelta(0), 0), (timedelta(days=-1), 0)])
def test_list_is_never_cached_beyond_its_end(world: World, client: FlaskClient, left: timedelta, cached: int) -> None:
    world.establish()
    world.service.publish_crls(days=7, principal=OPERATOR)
    world.clock.moment = MOMENT + timedelta(days=7) - left
    assert client.get("/pki/issuing.crl").cache_control.max_age == cached


def test_unchanged_list_is_not_sent_again(world: World, client: FlaskClient) -> None:
    world.establish()
    world.service.publish_crls(days=7, principal=OPERATOR)
    tag = client.get("/pki/root.crl").headers["ETag"]
    again = client.get("/pki/root.crl", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_before_the_authority_exists_the_edge_gets_its_error(client: FlaskClient) -> None:
    with pytest.raises(AuthorityNotEstablished):
        client.get("/pki/root.cer")


def test_routes_are_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()["paths"]["/pki/root.crl"]["get"]
    assert "application/pkix-crl" in described["responses"]["200"]["content"]
