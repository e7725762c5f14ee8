"""The API as its own description tells it: any request that the description allows gets an answer that it allows.

schemathesis makes the requests from /openapi.json; every operation is asked without a token and with tokens of a
department, of a clerk and of a citizen. The runs are the same each time.
"""

from collections import Counter
from contextlib import closing

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import event

from portal.foundation import open_foundation
from portal.wiring import open_installation
from tests.integration.oauth_house import House
from trust.config import load_settings

pytestmark = pytest.mark.integration

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
OPERATIONS = 30  # more than these are described
BY_DEFAULT = {  # answered under `default`: what else an operation refuses in its own way
    ("GET /api/v1/ledger/entries", 404),
    ("GET /api/v1/ledger/entries", 413),
    ("POST /api/v1/certs", 404),
}
BOUNDED = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def house(template, tmp_path_factory):
    loaded = load_settings(**template.copy(tmp_path_factory.mktemp("api") / "home"))
    base = open_foundation(loaded)
    # Nothing here pulls the plug of the machine: without it the tests would mostly wait for the disk.
    event.listen(base.database.engine, "connect", lambda opened, _record: opened.execute("PRAGMA synchronous=OFF"))
    with closing(open_installation(loaded, base)) as installation:
        yield House(installation)


@pytest.fixture(scope="module")
def callers(house, template):
    """The headers of each kind of caller."""
    department = house.client.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(template.full.id, template.full.secret),
    ).get_json()["access_token"]
    tokens = {
        "department": department,
        "clerk": house.clerk(),
        "citizen": house.tokens(scope="openid profile certs:read")["access_token"],
        "mandates": house.tokens(scope="openid mandates")["access_token"],
        "nonsense": "nonsense",
    }
    return [{}, house.basic("first"), *({"Authorization": f"Bearer {token}"} for token in tokens.values())]


@pytest.fixture(scope="module")
def described(house):
    return schemathesis.openapi.from_wsgi("/openapi.json", house.app)


def both(operation):
    """Return requests that the description allows, and requests that it does not."""
    return st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)


def test_every_operation_answers_as_described(described, callers):
    """One operation after the other, so that the report names each that does not."""
    wrong, statuses = {}, Counter()
    for found in described.get_all_operations():
        operation = found.ok()

        @BOUNDED
        @given(case=both(operation))
        def answers(case):
            for headers in callers:
                answer = case.call_and_validate(headers=headers, checks=CHECKS)
                statuses[case.operation.label, answer.status_code] += 1

        try:
            answers()
        except Exception as error:  # noqa: BLE001  schemathesis has its own
            wrong[operation.label] = "; ".join(str(each) for each in getattr(error, "exceptions", [error]))
    assert not wrong, "\n\n".join(f"{label}: {text}" for label, text in wrong.items())
    paths = described.raw_schema["paths"]
    undocumented = {
        (label, status)
        for label, status in statuses
        if str(status) not in paths[label.split(" ")[1]][label.split(" ")[0].lower()]["responses"]
    }
    assert undocumented <= BY_DEFAULT
    assert len({label for label, _ in statuses}) > OPERATIONS
    assert {200, 400, 401, 403, 404, 422} <= {status for _, status in statuses}
