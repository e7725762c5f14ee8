"""Law 7: after a whole run no number of a person stands in clear at rest, in a log, in a metric or in an address."""

import base64
import hashlib
import json
import re
import unicodedata
from urllib.parse import quote

import pytest

from portal.demo import data
from tests.integration.desk import change_body, changed, posted
from tests.integration.door import FORM, JSON, basic, bearer, multipart
from tests.integration.installation import PURPOSE, today
from trust.gm.sm3 import sm3

pytestmark = pytest.mark.integration

PERSON = data.RESIDENT_NUMBER
SHOP = str(data.food_licence(today())["holder"]["number"])
NAMES = (str(data.food_licence(today())["holder"]["name"]), str(data.residence_permit(today())["holder"]["name"]))
KINDS = {PERSON: "111", SHOP: "001"}


def disguises(text):
    """Return every spelling of a text that hides nothing: encodings, and plain digests, which are quickly guessed."""
    plain = text.encode()
    found = {
        "UTF-8": plain,
        "lower case": text.lower().encode(),
        "UTF-16": text.encode("utf-16-le"),
        "full width": "".join(chr(ord(character) + 0xFEE0) for character in text).encode() if text.isascii() else plain,
        "escaped": json.dumps(text)[1:-1].encode(),
        "in an address": quote(text).encode(),
        "hex": plain.hex().encode(),
        "upper hex": plain.hex().upper().encode(),
    }
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + plain)
        found[f"base64 at {offset}"] = whole[-(-offset * 8 // 6) : (offset + len(plain)) * 8 // 6]
    spellings = [plain] + [f"{kind}:{text}".encode() for number, kind in KINDS.items() if number == text]
    for spelling in spellings:
        for name, digest in {
            "MD5": hashlib.md5(spelling, usedforsecurity=False).digest(),
            "SHA-1": hashlib.sha1(spelling, usedforsecurity=False).digest(),
            "SHA-256": hashlib.sha256(spelling).digest(),
            "SM3": sm3(spelling),
        }.items():
            found[f"{name} of {len(spelling)} bytes"] = digest[:16]
            found[f"{name} of {len(spelling)} bytes in hex"] = digest[:16].hex().encode()
    return found


SOUGHT = {f"{text}, {name}": form for text in (PERSON, SHOP, *NAMES) for name, form in disguises(text).items()}


def traces(content):
    return sorted(name for name, form in SOUGHT.items() if form in content)


def test_the_search_finds_what_it_looks_for():
    for form in SOUGHT.values():
        assert traces(b"\x00before" + form + b"after")
    assert traces(base64.b64encode(b"x" + PERSON.encode() + b"y"))


def spot(content):
    """Return what stands around the first trace."""
    place = min(content.find(form) for form in SOUGHT.values() if form in content)
    return content[max(0, place - 200) : place + 60].decode(errors="replace")


def number_everywhere(desk_door, token, number):
    """Send a number in every place where it does not belong; the answers are problems or reports, never faults."""
    ask = desk_door.ask
    as_json = JSON | bearer(token)
    form, form_headers = multipart(("file", f"{number}.pdf", b"%PDF-1.7"), (number, None, number.encode()))
    yield from (
        ask("GET", f"/{path}", headers=bearer(token))
        for path in (
            number,
            f"api/v1/certs/{number}?purpose=test",
            f"api/v1/certs/{number}/file?purpose={number}",
            f"api/v1/certs/search?number={number}",
            f"api/v1/ledger/entries?start={number}&count=1",
            f"api/v1/ledger/{number}",
            f"problems/{number}",
            f"pki/{number}.cer",
            f"static/{number}",
            f"v/{number}?t={number}",
            f"verify?identifier={number}",
        )
    )
    for body in (
        {"identifier": number},
        {"qr": number},
        {"qr": f"http://{desk_door.host}/v/{number}?t={number}"},
        {number: number},
        {"identifier": number, "qr": number},
    ):
        yield ask("POST", "/api/v1/verify", json.dumps(body).encode(), JSON)
    for changes in (
        {"type": number},
        {number: number},
        {f"face.{number}": number},
        {"holder.kind": number},
        {"holder.number": f"{number[:-2]}0{number[-1]}"},
        {"valid_from": number},
        {"supersedes": number},
        {"face.premises": f"{number}\u202e"},
        {"number": number + "\x00"},
    ):
        body = json.dumps(changed(data.food_licence(today()), changes)).encode()
        yield ask("POST", "/api/v1/certs", body, as_json | {"Idempotency-Key": f"law7-{number}"})
    yield ask("POST", "/api/v1/certs", f"{{{number}".encode(), as_json | {"Idempotency-Key": f"law7-{number}"})
    yield ask("POST", "/api/v1/certs", b"{}", as_json | {"Content-Type": f"text/{number}"})
    yield ask("POST", "/api/v1/verify", form, form_headers)
    yield ask("POST", "/verify", f"identifier={number}".encode(), FORM)
    yield ask("POST", "/oauth/token", f"grant_type={number}&scope={number}".encode(), basic(number, number) | FORM)
    yield ask(
        "POST", f"/oauth/token?client_id={number}", b"grant_type=client_credentials", basic(number, number) | FORM
    )
    yield ask("GET", "/api/v1/certs/x", headers=bearer(number))
    yield ask(number, "/api/v1/verify")
    curious = ("User-Agent", "Referer", "X-Correlation-Id", "X-Request-Id", "Cookie", "Accept-Language", "Traceparent")
    yield ask("GET", "/verify", headers=dict.fromkeys(curious, number))


def spellings(number):
    """Return what a clerk may type for a number when asked for a reason."""
    spaced = f"{number[:6]} {number[6:14]} {number[14:]}"
    return (
        number,
        number.lower(),
        f"本人{number}办理",
        f"7{number}",
        f"{number}7",
        spaced,
        spaced.replace(" ", "-"),
        spaced.replace(" ", "\u3000"),
        "".join(chr(ord(character) + 0xFEE0) for character in number),
    )


@pytest.mark.parametrize("text", spellings(PERSON))
def test_a_text_kept_in_clear_takes_no_number_of_a_person(server, certificates, text):
    door = server.door()
    token = bearer(door.token(server.client))
    identifier = certificates["food"][0]["identifier"]
    for name in ("reason", "requested_by", "approved_by"):
        request = posted(f"/api/v1/certs/{identifier}/suspend", change_body(**{name: text}))
        answer = door.ask("POST", request.path, request.body, dict(request.headers) | token)
        assert (answer.status, answer.json["code"]) == (422, "personal-number-in-text"), unicodedata.name(text[0])
    answer = door.ask("GET", f"/api/v1/certs/{identifier}?purpose={quote(text)}", headers=token)
    assert (answer.status, answer.json["code"]) == (422, "personal-number-in-text")


def a_whole_run(door, token):
    """Issue, search, look, download, verify in every way, change states; return every answer."""
    answers = []

    def ask(method, path, body=None, **headers):
        content = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answers.append(door.ask(method, path, content, (JSON if body else {}) | bearer(token) | named))
        assert answers[-1].status in (200, 201), answers[-1].body
        return answers[-1]

    for number, body in ((SHOP, data.food_licence(today())), (PERSON, data.residence_permit(today()))):
        made = ask("POST", "/api/v1/certs", body, Idempotency_Key=f"law7-run-{number}").json
        identifier, links = made["identifier"], made["links"]
        ask("POST", "/api/v1/certs/search", {"holder": {"kind": KINDS[number], "number": number}, "purpose": PURPOSE})
        ask("GET", f"{links['self']}?purpose=x1")
        pdf = ask("GET", f"{links['file']}?purpose=x1").body
        form, headers = multipart(("file", "a.pdf", pdf))
        answers.append(door.ask("POST", "/api/v1/verify", form, headers))
        answers.append(door.ask("POST", "/verify", form, headers))
        assert answers[-2].json["verdict"] == "VALID"
        ask("POST", "/api/v1/verify", {"identifier": identifier})
        ask("POST", "/api/v1/verify", {"qr": links["verification"]})
        answers.append(door.ask("GET", links["verification"].removeprefix(f"http://{door.host}")))
        for action in ("suspend", "resume", "revoke"):
            ask("POST", f"/api/v1/certs/{identifier}/{action}", change_body())
        ask("POST", "/api/v1/verify", {"identifier": identifier})
    ask("GET", "/api/v1/ledger/entries?start=0&count=256")
    ask("GET", "/api/v1/ledger/checkpoint")
    return answers


@pytest.mark.usefixtures("certificates")
def test_no_number_of_a_person_stands_in_clear_after_a_whole_run(server):
    door = server.door()
    token = door.token(server.client)
    answers = a_whole_run(door, token)
    wrong = [answer for number in (PERSON, SHOP) for answer in number_everywhere(door, token, number)]
    assert not [answer.body for answer in wrong if answer.status >= 500]

    kept = [path for path in server.home.rglob("*") if path.is_file()]
    assert {"yinxin.sqlite3", "yinxin.sqlite3-wal"} <= {path.name for path in kept}
    assert any(path.suffix == ".pdf" for path in kept)
    found = {str(path): traces(path.read_bytes()) for path in (*kept, server.log)}
    found["metrics"] = traces(door.ask("GET", "/metrics").body)
    assert {place: names for place, names in found.items() if names} == {}
    log = server.log.read_text()
    assert "/api/v1/certs/<identifier>" in log
    assert log.count('"refused"') > len(wrong) / 2

    addresses = [link for answer in answers for link in links_of(answer)]
    assert len(addresses) > 10
    assert not [link for link in addresses if traces(link.encode())]
    # What any caller may see, and what is told about a refusal, names no person either.
    repeated = [spot(answer.body) for answer in wrong if traces(answer.body)]
    assert not repeated


def links_of(answer):
    """Return every address in an answer: of its headers, of its JSON, of its page."""
    yield from (value for name, value in answer.headers.items() if name in {"Location", "Content-Location", "Link"})
    if answer.media_type in {"application/json", "text/html"}:
        yield from re.findall(r"(?:https?://|/)[^\s\"'<>\\]+", answer.body.decode())


def test_answers_to_a_department_show_numbers_masked(server, certificates):
    door = server.door()
    token = bearer(door.token(server.client))
    for name, number in (("food", SHOP), ("permit", PERSON)):
        identifier = certificates[name][0]["identifier"]
        shown = door.ask("GET", f"/api/v1/certs/{identifier}?purpose=test", headers=token)
        assert shown.json["holder"]["number"] == f"{number[0]}{'*' * 16}{number[-1]}"
        assert number.encode() not in shown.body
