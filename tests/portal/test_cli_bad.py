"""The `yinxin` command when something is wrong: exit code, stable code, what to do, and nothing left half-done."""

import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from portal.demo import data
from portal.foundation import open_foundation
from tests.integration.holdings import holdings
from tests.integration.installation import today
from tests.portal.command_line import CommandLine
from trust.config import load_settings

LOOKS = (("keys", "list"), ("ledger", "verify"), ("seal", "list"), ("authority", "list"), ("sso", "list"))
LICENCE = data.food_licence(today())
NOBODY = 65534
REFUSED, NOT_READY, FAULT, USAGE = 4, 5, 70, 3


class Case(NamedTuple):
    """What is done to the installation, the command, and how it ends."""

    name: str
    spoil: Callable[[CommandLine, pytest.MonkeyPatch], Any]
    arguments: tuple[str, ...]
    exit: int
    code: str
    field: str | None = None


def nothing(_yinxin, _environment):
    """Leave everything as it is."""


def setting(name, value):
    return lambda _yinxin, environment: environment.setenv(f"YINXIN_{name}", value)


def statement(*statements):
    return lambda yinxin, _environment: yinxin.sql(*statements)


def home_file(name, content):
    def write(yinxin, _environment):
        path = yinxin.home / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)

    return write


def settings_file(content):
    return lambda yinxin, _environment: yinxin.write("yinxin.toml", content)


def issue_file(**changes):
    return lambda yinxin, _environment: yinxin.write("licence.json", LICENCE | changes)


def raw_issue_file(content):
    return lambda yinxin, _environment: yinxin.write("licence.json", content)


ISSUE = ("issue", "licence.json", "--authority", data.AUTHORITY, "--by", "王经办", "--key", "command-line-1")
APPLY = ("seal", "apply", "--name", "演示市文化和旅游局", "--uscc", data.AUTHORITY, "--by", "周申请", "--code")
BY = ("--requested-by", "周申请", "--approved-by")
TAMPERED = (
    "drop trigger ledger_leaf_no_update",
    "update ledger_leaf set data = cast(replace(cast(data as text), 'signed', 'refused') as blob) where idx = 3",
)

CASES = (
    # the installation
    Case("no home", setting("HOME", "nowhere"), ("keys", "list"), NOT_READY, "home-missing"),
    Case("home is a file", setting("HOME", "yinxin.file/home"), ("init",), NOT_READY, "home-not-writable"),
    Case(
        "wrong passphrase",
        home_file("secrets/token.passphrase", b"wrong\n"),
        ("keys", "list"),
        NOT_READY,
        "token-passphrase-wrong",
        "token.passphrase",
    ),
    Case(
        "no passphrase",
        home_file("secrets/token.passphrase", None),
        ("keys", "list"),
        NOT_READY,
        "token-passphrase-missing",
        "token.passphrase",
    ),
    Case(
        "empty passphrase",
        home_file("secrets/token.passphrase", b"\n"),
        ("keys", "list"),
        NOT_READY,
        "token-passphrase-missing",
        "token.passphrase",
    ),
    Case(
        "passphrase for all to read",
        lambda yinxin, _: (yinxin.home / "secrets/token.passphrase").chmod(0o644),
        ("keys", "list"),
        NOT_READY,
        "token-passphrase-exposed",
        "token.passphrase",
    ),
    Case("no key store", home_file("keys/token.json", None), ("keys", "list"), NOT_READY, "key-store-missing", "keys"),
    Case(
        "key store that is no JSON",
        home_file("keys/token.json", b"{"),
        ("keys", "list"),
        FAULT,
        "key-file-broken",
        "token.json",
    ),
    Case("no key of personal data", home_file("secrets/field.key", None), ("keys", "list"), NOT_READY, "home-missing"),
    Case(
        "no key of files",
        home_file("secrets/file.key", None),
        ("keys", "list"),
        NOT_READY,
        "secret-missing",
        "file.key",
    ),
    Case(
        "key of files too short",
        home_file("secrets/file.key", b"00ff\n"),
        ("keys", "list"),
        NOT_READY,
        "secret-missing",
        "file.key",
    ),
    Case(
        "database at a newer migration",
        statement("update alembic_version set version_num = '9999'"),
        ("keys", "list"),
        NOT_READY,
        "database-migration",
    ),
    Case(
        "database without a migration",
        statement("delete from alembic_version"),
        ("ledger", "verify"),
        NOT_READY,
        "database-migration",
    ),
    Case(
        "init on a newer migration",
        statement("update alembic_version set version_num = '9999'"),
        ("init",),
        NOT_READY,
        "database-migration",
    ),
    Case("no database", home_file("yinxin.sqlite3", None), ("keys", "list"), NOT_READY, "database-migration"),
    Case(
        "database that is none",
        home_file("yinxin.sqlite3", b"not a database" * 1000),
        ("keys", "list"),
        NOT_READY,
        "database-unavailable",
    ),
    Case(
        "init on a database that is none",
        home_file("yinxin.sqlite3", b"not a database" * 1000),
        ("init",),
        NOT_READY,
        "database-unavailable",
    ),
    Case(
        "init under another organisation",
        nothing,
        ("init", "--organization", "另一运营单位"),
        REFUSED,
        "authority-already-established",
    ),
    # production
    Case(
        "software keys in production",
        setting("ENVIRONMENT", "production"),
        ("keys", "list"),
        NOT_READY,
        "software-keys-refused",
    ),
    Case(
        "passphrase beside the keys in production",
        setting("ENVIRONMENT", "production"),
        ("init",),
        NOT_READY,
        "passphrase-not-set",
        "passphrase_file",
    ),
    Case(
        "production on a home of development",
        lambda _, environment: [
            environment.setenv("YINXIN_ENVIRONMENT", "production"),
            environment.setenv("YINXIN_ALLOW_SOFTWARE_KEYS", "true"),
        ],
        ("keys", "list"),
        NOT_READY,
        "passphrase-not-set",
        "passphrase_file",
    ),
    # settings
    Case("port that is no number", setting("PORT", "eighty"), ("keys", "list"), NOT_READY, "settings-invalid", "port"),
    Case("port out of range", setting("PORT", "70000"), ("keys", "list"), NOT_READY, "settings-invalid", "port"),
    Case(
        "unknown environment",
        setting("ENVIRONMENT", "staging"),
        ("keys", "list"),
        NOT_READY,
        "settings-invalid",
        "environment",
    ),
    Case("unknown setting", setting("PROT", "8080"), ("keys", "list"), NOT_READY, "settings-invalid", "YINXIN_PROT"),
    Case(
        "unknown setting in the file",
        settings_file(b"prot = 8080"),
        ("keys", "list"),
        NOT_READY,
        "settings-invalid",
        "prot",
    ),
    Case(
        "settings file that is no TOML",
        settings_file(b"port = = 1"),
        ("keys", "list"),
        NOT_READY,
        "settings-invalid",
        "yinxin.toml",
    ),
    Case(
        "settings file not in UTF-8",
        settings_file(b"home = '\xff'"),
        ("keys", "list"),
        NOT_READY,
        "settings-invalid",
        "yinxin.toml",
    ),
    Case(
        "list that is no JSON",
        setting("FONT_PATHS", "/usr/share/fonts"),
        ("keys", "list"),
        NOT_READY,
        "settings-invalid",
        "font_paths",
    ),
    Case(
        "database address of no kind",
        setting("DATABASE_URL", "secret-word"),
        ("keys", "list"),
        NOT_READY,
        "database-address-unusable",
        "database_url",
    ),
    # the ledger
    Case("ledger entry altered", statement(*TAMPERED), ("ledger", "verify"), FAULT, "ledger-broken", "leaf 3"),
    Case(
        "ledger entry turned into text",
        statement(TAMPERED[0], "update ledger_leaf set data = cast(data as text) where idx = 3"),
        ("ledger", "verify"),
        FAULT,
        "ledger-broken",
        "leaf 3",
    ),
    Case(
        "checkpoint turned into text",
        statement("drop trigger ledger_checkpoint_no_update", "update ledger_checkpoint set body = cast(body as text)"),
        ("ledger", "verify"),
        FAULT,
        "ledger-broken",
        "checkpoint {size}",
    ),
    Case(
        "ledger entry gone",
        statement("drop trigger ledger_leaf_no_delete", "delete from ledger_leaf where idx = 3"),
        ("ledger", "verify"),
        FAULT,
        "ledger-broken",
        "leaf 3",
    ),
    Case(
        "ledger node altered",
        statement(
            "drop trigger ledger_node_no_update",
            "update ledger_node set hash = zeroblob(32) where level = 1 and idx = 0",
        ),
        ("ledger", "verify"),
        FAULT,
        "ledger-broken",
        "node 1/0",
    ),
    Case(
        "ledger head altered",
        statement("drop trigger ledger_head_only_grows", "update ledger_head set root = zeroblob(32)"),
        ("ledger", "verify"),
        FAULT,
        "ledger-broken",
        "head",
    ),
    Case(
        "ledger entries beyond the end",
        nothing,
        ("ledger", "entries", "--start", "1000000"),
        REFUSED,
        "ledger-entry-not-found",
        "start",
    ),
    Case(
        "too many ledger entries",
        nothing,
        ("ledger", "entries", "--count", "257"),
        USAGE,
        "ledger-too-many-entries",
        "count",
    ),
    # two persons
    Case(
        "one person applies for a seal and approves it",
        nothing,
        ("seal", "approve", "{seal}", "--by", " 周申请"),
        REFUSED,
        "same-person",
        "approved_by",
    ),
    Case(
        "one person has an X.509 revoked",
        nothing,
        ("authority", "revoke", "{x509}", "--reason", "superseded", *BY, "周申请"),
        REFUSED,
        "same-person",
        "approved_by",
    ),
    Case(
        "blanks make no second person",
        nothing,
        ("seal", "approve", "{seal}", "--by", "周 申请"),
        REFUSED,
        "same-person",
        "approved_by",
    ),
    # who acts
    Case(
        "a person's number in the place of a name",
        issue_file(),
        (*ISSUE[:4], "--by", data.RESIDENT_NUMBER, *ISSUE[6:]),
        USAGE,
        "personal-number-in-text",
        "by",
    ),
    Case(
        "seal applied for by nobody",
        nothing,
        (*APPLY, "1101000000026", "--by", ""),
        USAGE,
        "text-length",
        "requested_by",
    ),
    Case(
        "seal cancelled with a person's number as the reason",
        nothing,
        ("seal", "cancel", "{made seal}", "--by", "郑管理", "--reason", data.RESIDENT_NUMBER),
        USAGE,
        "personal-number-in-text",
        "reason",
    ),
    Case(
        "X.509 revoked at nobody's request",
        nothing,
        ("authority", "revoke", "{x509}", "--reason", "superseded", "--requested-by", " ", "--approved-by", "吴审批"),
        USAGE,
        "text-length",
        "requested_by",
    ),
    Case(
        "client named by a person's number",
        nothing,
        ("sso", "register", "--label", data.RESIDENT_NUMBER, "--authority", data.AUTHORITY, "--scopes", "certs:read"),
        USAGE,
        "personal-number-in-text",
        "label",
    ),
    # seals, keys, authorities, clients
    Case(
        "seal unknown",
        nothing,
        ("seal", "approve", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--by", "吴审批"),
        REFUSED,
        "seal-unknown",
        "seal_id",
    ),
    Case(
        "seal approved twice",
        nothing,
        ("seal", "approve", "{made seal}", "--by", "吴审批"),
        REFUSED,
        "seal-state",
        "state",
    ),
    Case(
        "seal of a wrong credit code",
        nothing,
        (
            "seal",
            "apply",
            "--name",
            "某局",
            "--uscc",
            "11000000DEM0YX001A",
            "--code",
            "1101000000026",
            "--by",
            "周申请",
        ),
        USAGE,
        "uscc-check",
        "uscc",
    ),
    Case("seal code with letters", nothing, (*APPLY, "11010000000AB"), USAGE, "seal-text-unusable", "code"),
    Case("seal code taken", nothing, (*APPLY, data.SEAL_CODE), REFUSED, "seal-code-taken", "code"),
    Case(
        "X.509 unknown",
        nothing,
        ("authority", "revoke", "abcdef", "--reason", "superseded", *BY, "吴审批"),
        REFUSED,
        "x509-unknown",
        "serial",
    ),
    Case(
        "authority onboarded twice",
        nothing,
        (
            "authority",
            "onboard",
            "--uscc",
            data.AUTHORITY,
            "--name",
            "x",
            "--name-zh",
            "某局",
            "--region",
            "110000",
            "--seal",
            "{made seal}",
            "--type",
            data.FOOD_LICENCE,
        ),
        REFUSED,
        "authority-onboarded",
        "uscc",
    ),
    Case(
        "authority with a seal that is none",
        nothing,
        (
            "authority",
            "onboard",
            "--uscc",
            "12000000DEM0YX002B",
            "--name",
            "x",
            "--name-zh",
            "某局",
            "--region",
            "110000",
            "--seal",
            "none",
            "--type",
            data.FOOD_LICENCE,
        ),
        REFUSED,
        "seal-unknown",
        "seal_id",
    ),
    Case(
        "authority with an unknown type",
        nothing,
        (
            "authority",
            "onboard",
            "--uscc",
            "12000000DEM0YX002B",
            "--name",
            "x",
            "--name-zh",
            "某局",
            "--region",
            "110000",
            "--seal",
            "{made seal}",
            "--type",
            "11000000DEM0YX001B999",
        ),
        REFUSED,
        "type-unknown",
        "type",
    ),
    Case("key unknown", nothing, ("keys", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), REFUSED, "key-unknown", "key"),
    Case(
        "scope unknown",
        nothing,
        ("sso", "register", "--label", "x", "--authority", data.AUTHORITY, "--scopes", "everything"),
        USAGE,
        "scope-unknown",
        "scope",
    ),
    Case(
        "client unknown", nothing, ("sso", "disable", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), REFUSED, "client-unknown", "client"
    ),
    # certificates
    Case("issue from broken JSON", raw_issue_file(b"{"), ISSUE, USAGE, "json-malformed"),
    Case(
        "issue with a member twice",
        raw_issue_file(b'{"type": "a", "type": "b"}'),
        ISSUE,
        USAGE,
        "json-duplicate-member",
        "type",
    ),
    Case("issue with an unknown field", issue_file(nmae="x"), ISSUE, USAGE, "field-unknown", "nmae"),
    Case("issue from a file over the limit", raw_issue_file(b" " * 300_000), ISSUE, USAGE, "body-too-large", "file"),
    Case(
        "issue for a holder with a wrong check digit",
        issue_file(holder=LICENCE["holder"] | {"number": "92110105MADEM0YX51"}),
        ISSUE,
        USAGE,
        "uscc-check",
        "holder.number",
    ),
    Case(
        "issue with a short idempotency key",
        issue_file(),
        (*ISSUE[:-1], "short"),
        USAGE,
        "idempotency-key-invalid",
        "Idempotency-Key",
    ),
    Case(
        "issue by an authority not onboarded",
        issue_file(),
        ("issue", "licence.json", "--authority", "12000000DEM0YX002B", *ISSUE[4:]),
        REFUSED,
        "authority-not-onboarded",
    ),
    Case(
        "export to what is no folder",
        nothing,
        ("authority", "export", "yinxin.file/x"),
        NOT_READY,
        "output-not-writable",
        "x",
    ),
    Case(
        "demonstration in a folder of others",
        nothing,
        ("demo", "--out", "."),
        REFUSED,
        "demonstration-folder-taken",
        "out",
    ),
    Case(
        "demonstration where nothing can be",
        nothing,
        ("demo", "--out", "yinxin.file/x"),
        NOT_READY,
        "output-not-writable",
        "x",
    ),
    Case(
        "verify without an installation",
        setting("HOME", "nowhere"),
        ("verify", "--identifier", "x"),
        NOT_READY,
        "home-missing",
    ),
)


def prepared(yinxin, arguments):
    """Return the arguments with the names of things in their places."""
    things: dict[str, Callable[[], str]] = {
        "{seal}": lambda: yinxin.json(*APPLY, "1101000000034")["seal"],
        "{made seal}": lambda: yinxin.sql("select seal_id from seals_seal where state = 'active'")[0][0],
        "{x509}": lambda: yinxin.sql("select serial from authority_x509 where profile = 'seal-signer'")[0][0],
    }
    return tuple(things[argument]() if argument in things else argument for argument in arguments)


def named(yinxin, field):
    """Return the field with the size of the newest checkpoint in its place."""
    if field is None or "{size}" not in field:
        return field
    return field.format(size=yinxin.sql("select max(size) from ledger_checkpoint")[0][0])


def check_message(outcome, *, code, field):
    where = re.escape(f" [{field}]") if field else ""
    message = outcome.err.strip()
    assert re.match(rf"error {code}{where}: [^一-鿿]+\. .*[一-鿿]", message), message
    assert message.count("\n") in (1, 2)
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_command_ends_with_its_code_and_leaves_nothing_behind(yinxin, monkeypatch, case):
    yinxin.write("yinxin.file", b"")
    arguments = prepared(yinxin, case.arguments)
    case.spoil(yinxin, monkeypatch)
    readable = "database that is none" not in case.name and case.name != "no database"
    before = holdings(yinxin.home) if readable else None
    outcome = yinxin(*arguments)
    assert outcome.code == case.exit, outcome
    check_message(outcome, code=case.code, field=named(yinxin, case.field))
    assert "secret-word" not in outcome.err
    assert before is None or holdings(yinxin.home) == before
    assert not (yinxin.folder / "nowhere").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing",),
        ("keys", "nothing"),
        ("keys", "approve"),
        ("issue", "no-such-file.json", *ISSUE[2:]),
        ("issue",),
        ("ledger", "entries", "--count", "0"),
        ("authority", "revoke", "not hex", "--reason", "superseded", *BY, "吴审批"),
        ("authority", "revoke", "ab", "--reason", "because", *BY, "吴审批"),
        ("verify", "--nothing"),
        ("verify", "--roots", "no-such-folder", "a.pdf"),
        ("serve", "--port", "eighty"),
    ],
)
def test_a_command_line_that_cannot_be_read_exits_3(yinxin, arguments):
    outcome = yinxin(*arguments)
    assert (outcome.code, outcome.out) == (USAGE, "")
    assert re.search(
        r"^error command-line( \[[a-z_]+\])?: The command line .*命令行无法识别。", outcome.err, re.MULTILINE
    )
    assert "--help" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "verify-input"),
        (("a.pdf", "--identifier", "x"), "verify-input"),
        (("missing.pdf",), "malformed-input"),
        (("a.pdf",), "not-a-document"),
        (("truncated.pdf",), "pdf-malformed"),
        (("huge.pdf",), "upload-too-large"),
        (("--identifier", "1.2.156.3005.2.11000000DEM0YX001B001"), "certificate-identifier-structure"),
        (("--qr", "not a link"), "qr-malformed"),
    ],
)
def test_verify_exits_3_for_what_cannot_be_read(yinxin, arguments, code):
    yinxin.write("a.pdf", b"PK\x03\x04")
    yinxin.write("truncated.pdf", b"%PDF-1.7\n1 0 obj")
    (yinxin.folder / "huge.pdf").touch()
    os.truncate(yinxin.folder / "huge.pdf", 200 * 1024 * 1024)
    outcome = yinxin("verify", *arguments)
    assert (outcome.code, outcome.out) == (USAGE, "")
    assert outcome.err.startswith(f"{code}: ")
    machine = yinxin("verify", *arguments, "--json")
    assert (machine.code, machine.json["code"]) == (USAGE, code)
    assert machine.json["remedy"]


def test_help_exits_0_and_no_command_exits_3(yinxin):
    assert yinxin("--help").code == 0
    assert yinxin("seal", "apply", "--help").code == 0
    assert yinxin().code == USAGE


def test_a_setting_is_named_and_its_value_is_not_shown(yinxin, monkeypatch):
    monkeypatch.setenv("YINXIN_DATABASE_URL", "postgresql+psycopg://user:secret-word@127.0.0.1:1/none")
    outcome = yinxin("keys", "list")
    assert outcome.code == NOT_READY
    assert "error database-unavailable: " in outcome.err
    assert "secret-word" not in outcome.err


@pytest.mark.parametrize("arguments", LOOKS)
def test_every_look_refuses_a_missing_home_alike(yinxin, monkeypatch, arguments):
    monkeypatch.setenv("YINXIN_HOME", "nowhere")
    outcome = yinxin(*arguments)
    assert outcome.code == NOT_READY
    check_message(outcome, code="home-missing", field=None)


def _opened_by_another(connection, settings):
    """Run in a forked process, in which everything is loaded, without the rights of the superuser."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    try:
        open_foundation(settings)
    except BaseException as error:  # noqa: BLE001  the test shall see it
        connection.send((getattr(error, "code", type(error).__name__), str(error)))
    else:
        connection.send(("opened", ""))


@pytest.fixture
def read_only(template):
    """A home that its owner may read only; for the superuser, whom no permission stops, it belongs to nobody."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = load_settings(**template.copy(home))
        if os.geteuid() == 0:
            for path in (Path(folder), home, *home.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        home.chmod(0o500)
        yield settings
        home.chmod(0o700)


def test_a_read_only_home_is_refused(read_only):
    before = holdings(read_only.home)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_opened_by_another, args=(theirs, read_only))
    child.start()
    answer = ours.recv()
    child.join()
    assert answer == ("home-not-writable", f"{read_only.home} cannot be written.")
    assert holdings(read_only.home) == before


def test_a_read_only_home_exits_with_its_code(yinxin, monkeypatch):
    monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    outcome = yinxin("keys", "list")
    assert outcome.code == NOT_READY
    check_message(outcome, code="home-not-writable", field=None)


def test_a_fault_of_ours_is_told_without_its_text(yinxin, monkeypatch):
    def fail(*_):
        raise RuntimeError(data.RESIDENT_NUMBER)

    monkeypatch.setattr("portal.commands.keys.opened_foundation", fail)
    outcome = yinxin("keys", "list")
    assert outcome.code == FAULT
    assert outcome.err.startswith("error internal: ")
    assert data.RESIDENT_NUMBER not in outcome.err


def test_an_interrupt_exits_130(yinxin, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("portal.commands.keys.opened_foundation", interrupt)
    assert yinxin("keys", "list").code == 130
