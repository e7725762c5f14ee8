import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from hsm_adapter.ceremony import holding
from hsm_adapter.ceremony.errors import CeremonyClosed, RecordBroken, RehearsalUnusable, ScreenRequired
from hsm_adapter.ceremony.record import RECORD
from hsm_adapter.ceremony.requests import CrlRequest, parse_request
from hsm_adapter.ceremony.signing import OUT
from hsm_adapter.ceremony.sitting import Hall
from portal.commands.ceremony import TerminalStage
from portal.foundation import lay_foundation
from portal.root_ceremony import ask_crl, ask_issuing, take_over
from portal.setup import initialise
from tests.hsm_adapter.ceremony.acting import PEOPLE, Actors, issuing_request, terms
from trust.authority.errors import AuthorityAlreadyEstablished, RootCeremonyPending, RootNotAdoptable
from trust.authority.profiles import CaRole
from trust.config import load_settings
from trust.kernel.clock import SystemClock
from trust.kernel.randomness import SystemRandomness
from trust.typesetting import Typesetter

ROOT = Path(__file__).parents[2]
ORGANIZATION = "示例市数据局"


@pytest.fixture
def settings(tmp_path):
    return load_settings(home=tmp_path / "home", public_url="https://trust.example")


@pytest.fixture
def base(settings):
    laid = lay_foundation(settings)
    yield laid
    laid.close()


@pytest.fixture
def hold(tmp_path):
    def held(request, *, rehearsal=False):
        actors, medium = Actors(), tmp_path / "medium"
        hall = Hall(folder=medium, stage=actors, clock=SystemClock(), randomness=SystemRandomness(), request=request)
        holding.begin(hall, terms(rehearsal=rehearsal), Typesetter())
        return hall

    return held


def test_an_installation_with_a_root_of_a_ceremony_issues_and_never_has_the_root_key(settings, base, hold):
    hall = hold(ask_issuing(base, ORGANIZATION))
    with pytest.raises(RootCeremonyPending):
        initialise(settings, organization=ORGANIZATION)
    adopted = take_over(base, hall.folder)
    installation = initialise(settings)
    try:
        authority = installation.authority
        assert authority.ca_x509(CaRole.ROOT).der == (hall.folder / OUT / "root.cer").read_bytes()
        assert authority.ca_x509(CaRole.ROOT).organization == ORGANIZATION
        assert len(authority.publish_crls(days=7, principal="operator:crl")) == 1
        assert authority.crl(CaRole.ROOT).number == adopted.crl_number == 1
        authority.check()
        known = installation.foundation.keys.custodian.keys()
        labels = {key.label for key in known}
        assert "issuing-ca" in labels
        assert "root-ca" not in labels
        assert authority.ca_x509(CaRole.ISSUING).crl_urls == ("https://trust.example/pki/root.crl",)
    finally:
        installation.close()


def test_the_protocol_s_digest_is_in_the_ledger(base, hold):
    hall = hold(ask_issuing(base, ORGANIZATION))
    adopted = take_over(base, hall.folder)
    document = f"ceremony-protocol:{adopted.protocol_sm3}"
    assert document.encode() in base.ledger.entry(adopted.ledger_index).data


def test_taking_over_twice_keeps_one_root_and_takes_a_newer_list(base, hold):
    hall = hold(ask_issuing(base, ORGANIZATION))
    first = take_over(base, hall.folder)
    again = replace(hall, request=ask_crl(base))
    assert parse_request(again.request) == CrlRequest(revoked={})
    holding.use(again, "crl", PEOPLE, "机房", Typesetter())
    second = take_over(base, hall.folder)
    assert (second.root_sha256, second.crl_number) == (first.root_sha256, 2)


def test_a_ceremony_for_another_installation_is_not_taken_over(base, hold):
    ask_issuing(base, ORGANIZATION)
    hall = hold(issuing_request())
    size = base.ledger.size()
    with pytest.raises(RootNotAdoptable) as refused:
        take_over(base, hall.folder)
    assert (refused.value.code, refused.value.field) == ("root-not-adoptable", "issuing")
    assert base.ledger.size() == size


def test_a_rehearsal_is_not_taken_over(base, hold):
    hall = hold(ask_issuing(base, ORGANIZATION), rehearsal=True)
    with pytest.raises(RehearsalUnusable):
        take_over(base, hall.folder)


@pytest.mark.parametrize("name", ["protocol-1.pdf", RECORD])
def test_an_altered_medium_is_not_taken_over(base, hold, name):
    hall = hold(ask_issuing(base, ORGANIZATION))
    path = hall.folder / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(RecordBroken):
        take_over(base, hall.folder)


@pytest.mark.parametrize("name", ["root.cer", "issuing.cer", "root.crl"])
def test_a_file_of_another_root_is_not_taken_over(base, hold, name, tmp_path):
    request = ask_issuing(base, ORGANIZATION)
    hall = hold(request)
    other = replace(hall, folder=tmp_path / "other", stage=Actors())
    holding.begin(other, terms(), Typesetter())
    (hall.folder / OUT / name).write_bytes((other.folder / OUT / name).read_bytes())
    with pytest.raises(RootNotAdoptable):
        take_over(base, hall.folder)


def test_files_that_belong_together_but_not_to_the_record_are_not_taken_over(base, hold, tmp_path):
    """One person's own root, made for the very same issuing key, beside the record and protocol that others signed."""
    hall = hold(ask_issuing(base, ORGANIZATION))
    own = replace(hall, folder=tmp_path / "own", stage=Actors())
    holding.begin(own, terms(), Typesetter())
    for name in ("root.cer", "issuing.cer", "root.crl"):
        (hall.folder / OUT / name).write_bytes((own.folder / OUT / name).read_bytes())
    size = base.ledger.size()
    with pytest.raises(RecordBroken) as refused:
        take_over(base, hall.folder)
    assert (refused.value.field, base.ledger.size()) == ("root.cer", size)


def test_a_second_root_is_not_taken_over(base, hold, tmp_path):
    hall = hold(ask_issuing(base, ORGANIZATION))
    take_over(base, hall.folder)
    other = replace(hall, folder=tmp_path / "other", stage=Actors())
    holding.begin(other, terms(), Typesetter())
    with pytest.raises(AuthorityAlreadyEstablished):
        take_over(base, other.folder)


def test_an_installation_with_a_root_of_its_own_asks_for_none(settings):
    initialise(settings, organization=ORGANIZATION).close()
    base = lay_foundation(settings)
    try:
        with pytest.raises(AuthorityAlreadyEstablished):
            ask_issuing(base, ORGANIZATION)
    finally:
        base.close()


def test_a_medium_without_a_finished_ceremony_is_not_taken_over(base, hold):
    hall = hold(ask_issuing(base, ORGANIZATION))
    path = hall.folder / RECORD
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    with pytest.raises(CeremonyClosed):
        take_over(base, hall.folder)


def test_a_ceremony_is_refused_without_a_terminal():
    with pytest.raises(ScreenRequired):
        TerminalStage()


class Screen:
    """The command at a terminal of its own, with somebody who reads and types."""

    def __init__(self, arguments, home):
        leader, follower = pty.openpty()
        program = "import sys; from portal.commands.ceremony import ceremony; ceremony(sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            cwd=ROOT,
            env=os.environ | {"YINXIN_HOME": str(home)},
        )
        os.close(follower)
        self.leader, self.output = leader, ""

    def read_until_it_waits(self, seen):
        """Return what came after `seen`, once a question stands at the end."""
        while not self.output[seen:].endswith(": "):
            if not self.more(30):
                break
        while self.more(0.05):
            pass
        return self.output[seen:]

    def more(self, seconds):
        ready, _, _ = select.select([self.leader], [], [], seconds)
        try:
            got = os.read(self.leader, 65536) if ready else b""
        except OSError:
            return False
        self.output += got.decode("utf-8", "replace")
        return bool(got)

    def type(self, line):
        os.write(self.leader, line.encode() + b"\n")


@pytest.mark.integration
def test_shares_are_on_the_terminal_s_other_screen_only(tmp_path):
    request = tmp_path / "request.json"
    request.write_bytes(issuing_request())
    arguments = ["begin", str(tmp_path / "m"), "--threshold", "2", "--place", "机房", "--request", str(request)]
    arguments += ["--administrator", "赵主持", "--officer", "钱安全", "--witness", "孙见证"]
    arguments += ["--custodian", "保管甲", "--custodian", "保管乙"]
    screen, papers, shown = Screen(arguments, tmp_path / "home"), {}, None
    people = Actors()
    seen = 0
    while screen.process.poll() is None:
        asked = screen.read_until_it_waits(seen)
        seen = len(screen.output)
        if not asked:
            break
        plain = asked.replace("\r\n", "\n")
        if "then press Enter" in plain:
            number = int(re.findall(r"份额 (\d+)", plain)[-1])
            sheet = plain[plain.rindex("then press Enter") :]
            shown = [word for _, word in sorted((int(n), w) for n, w in re.findall(r"(\d+) ([a-z]+)", sheet))]
            papers[number] = shown
            screen.type("")
        elif place := re.search(r"第 (\d+) 个词：\n[^\n]*$", plain):
            screen.type(shown[int(place[1]) - 1])
        elif holder := re.search(r"保管人 (\d+) [^\n]*请输入份额[^\n]*\n[^\n]*$", plain):
            screen.type(" ".join(papers[int(holder[1])]))
        else:
            screen.type(people._open_answer("\n".join(plain.strip("\n").split("\n")[-2:])))
    while screen.more(1):
        pass
    assert screen.process.wait(30) == 0, screen.output[-2000:]
    os.close(screen.leader)
    assert "protocol_sm3" in screen.output
    main_screen = re.sub(r"\x1b\[\?1049h.*?\x1b\[\?1049l", "", screen.output, flags=re.DOTALL)
    assert sorted(len(words) for words in papers.values()) == [33, 33]
    for words in papers.values():
        assert not [pair for pair in pairwise(words) if " ".join(pair) in main_screen]
        assert sum(f" {word} " in main_screen for word in words) < 5
