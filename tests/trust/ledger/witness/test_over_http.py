"""Log and witness as two programs that meet over HTTP only, and the commands of an outsider."""

import json
import threading
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from click.testing import CliRunner
from werkzeug.serving import make_server

from portal.commands.receipts import check_growth_command, check_receipt, follow
from portal.commands.witness import witness as witness_command
from tests.trust.ledger.building import ORIGIN, uses
from tests.trust.ledger.witnessed import Witnessed, witnessed
from trust.kernel.clock import SystemClock
from trust.kernel.randomness import SystemRandomness
from trust.ledger.note_errors import WitnessUnreachable
from trust.ledger.note_keys import VerifierKey
from trust.ledger.public.routes import PublicLedger, tiles_blueprint
from trust.ledger.witness.asking import Witnessing
from trust.ledger.witness.protocol import base64_lines
from trust.ledger.witness.routes import witness_application
from trust.ledger.witness.service import Witness
from trust.ledger.witness.state import WitnessFolder
from trust.ledger.witness.transport import MAX_ANSWER_BYTES, HttpTransport, WitnessPlace


class Served:
    def __init__(self, application) -> None:
        self.server = make_server("127.0.0.1", 0, application, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def house(tmp_path) -> Iterator[Witnessed]:
    made = witnessed(tmp_path, witnesses=0, quorum=0)
    made.base.ledger.record(uses(5))
    made.checkpointer.checkpoint()
    yield made
    made.base.database.close()


def invoke(command, *arguments: str, code: int = 0):
    done = CliRunner().invoke(command, [str(item) for item in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_a_witness_made_by_its_commands_cosigns_over_http_and_the_outsider_checks_all_of_it(house, tmp_path):
    folder, log_keys = tmp_path / "w", [key.text for key in house.log_keys]
    made = invoke(witness_command, "init", "--folder", folder, "--name", "w.example/w", "--json")
    key = VerifierKey.parse(json.loads(made.output)["vkey"])
    invoke(witness_command, "watch", "--folder", folder, "--origin", ORIGIN, "--key", log_keys[0])
    served = Served(witness_application(Witness(WitnessFolder(folder, SystemRandomness()), SystemClock())))
    house.notebook._witnesses = (key,)
    house.witnessing = Witnessing(
        store=house.base.store,
        notebook=house.notebook,
        watch=house.watch,
        transport=HttpTransport(),
        places=[WitnessPlace(key=key, url=served.url)],
        quorum=1,
    )
    try:
        assert house.witnessing.look() == 1
        assert house.witnessing.ask() == 1
        house.base.ledger.record(uses(20))
        old = house.notebook.note(house.witnessing.witnessed()).content
        house.checkpointer.checkpoint()
        assert house.witnessing.ask() == 1
        assert house.witnessing.look() == 1
    finally:
        served.close()
    trust = [part for text in (*log_keys, key.text) for part in ("--key", text)]
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(house.desk.receipt(3).content)
    assert json.loads(invoke(check_receipt, receipt, *trust, "--json").output)["verdict"] == "valid"
    assert "verdict: valid" in invoke(check_receipt, receipt, *trust).output
    receipt.write_bytes(receipt.read_bytes().replace(b'"index":3', b'"index":4'))
    invoke(check_receipt, receipt, *trust, code=1)
    invoke(check_receipt, receipt, "--key", key.text, code=2)
    (tmp_path / "old").write_bytes(old)
    (tmp_path / "new").write_bytes(house.notebook.note(house.witnessing.witnessed()).content)
    path = house.base.ledger.consistency_proof(5, 26).path
    (tmp_path / "proof").write_text(json.dumps({"path": base64_lines(path)}))
    invoke(check_growth_command, tmp_path / "old", tmp_path / "new", tmp_path / "proof", *trust)
    invoke(check_growth_command, tmp_path / "new", tmp_path / "old", tmp_path / "proof", *trust, code=1)


def test_following_a_served_log(house, tmp_path):
    app = APIFlask(__name__)
    public = PublicLedger(
        ledger=house.base.ledger,
        store=house.base.store,
        notebook=house.notebook,
        witnessing=house.witnessing,
        receipts=house.desk,
    )
    app.register_blueprint(tiles_blueprint(public, lambda: None))
    served = Served(app)
    arguments = (f"{served.url}/ledger/", "--folder", tmp_path / "kept", "--key", house.notebook.log_key.text)
    try:
        invoke(follow, *arguments)
        house.base.ledger.record(uses(300))
        house.checkpointer.checkpoint()
        assert json.loads(invoke(follow, *arguments, "--json").output)["facts"]["new_size"] == 306
    finally:
        served.close()


@pytest.mark.parametrize("excess", [0, 1])
def test_an_answer_has_an_end(excess):
    def application(_environ, start):
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"a" * (MAX_ANSWER_BYTES + excess)]

    served = Served(application)
    try:
        if excess:
            with pytest.raises(WitnessUnreachable):
                HttpTransport().get(f"{served.url}/x")
        else:
            assert len(HttpTransport().get(f"{served.url}/x").body) == MAX_ANSWER_BYTES
    finally:
        served.close()


def test_a_redirect_is_not_followed():
    asked = []

    def application(environ, start):
        asked.append(environ["PATH_INFO"])
        start("302 Found", [("Location", "/elsewhere")])
        return [b""]

    served = Served(application)
    try:
        assert HttpTransport().get(f"{served.url}/x").status == 302
    finally:
        served.close()
    assert asked == ["/x"]


def test_an_answer_that_never_ends_is_left_in_time():
    more = threading.Event()

    def application(_environ, start):
        start("200 OK", [("Content-Type", "text/plain")])
        while not more.wait(0.05):
            yield b"a"

    served = Served(application)
    try:
        with pytest.raises(WitnessUnreachable):
            HttpTransport(seconds=0.5).get(f"{served.url}/x")
    finally:
        more.set()
        served.close()
