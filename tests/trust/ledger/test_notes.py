"""Signed notes: the examples of the C2SP specifications, and what is refused."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from trust.gm import sm2
from trust.ledger.note_errors import NoteMalformed, NoteSignatureInvalid, NoteUntrusted
from trust.ledger.note_keys import (
    VerifierKey,
    cosigned_message,
    cosigner_key,
    ed25519_key,
    join_cosignature,
    own_key,
)
from trust.ledger.notes import MAX_LINES, MAX_NOTE_BYTES, Note, SignatureLine
from trust.ledger.tree_heads import TreeHead

# C2SP signed-note, Verifier keys, Example.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SIGNED = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# C2SP signed-note, the first example: a text with an empty line in it.
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3Ze"
    "kRwNtIc=\n"
).encode()
# C2SP tlog-cosignature, the first example.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeM"
    "cTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
    "mbIUBkBIfZ+qnA==\n"
).encode()

# A checkpoint of Go's checksum database as it was served, under the key that every Go installation has built in.
GO_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_NOTE = (
    "go.sum database tree\n15067302\ngJyioq6dwR9n+NjEWORfYmH+ubeYm3kH42BBQ0bTpYI=\n\n"
    "— sum.golang.org Az3grp1rvWOs5NKlr/xR4GLN/CDyzzakmt1o61uSxYKpK1SerqOP2ClbX/peKUZjYnyomH5Xz7GZG3TpB7OeKn4E2ww=\n"
    "— test.example.com qTGhC/xIPQ0AXKHK6Y+9ypRfuvMZWPjRXM8NiOg5M1WREn07VQXyuIXM3NRNav3ieVFLUqDRK77PWDmL6w8w84UqeAw=\n"
).encode()

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
LOG = ed25519_key("log.example/a", PRIVATE.public_key().public_bytes_raw())


def line(key: VerifierKey, value: bytes) -> SignatureLine:
    return SignatureLine(name=key.name, key_id=key.key_id, signature=value)


def test_the_example_of_the_specification_opens_with_its_verifier_key():
    key = VerifierKey.parse(VKEY)
    assert (key.text, key.key_id.hex()) == (VKEY, "530d903a")
    opened = Note.parse(SIGNED).opened([key])
    assert opened.text == b"This is an example message.\n"
    assert [found for found, _ in opened.by] == [key]


def test_a_checkpoint_of_the_go_checksum_database_opens_and_lines_of_others_are_ignored():
    head = TreeHead.parse(Note.parse(GO_NOTE).opened([VerifierKey.parse(GO_VKEY)]).text)
    assert (head.origin, head.size) == ("go.sum database tree", 15067302)


@pytest.mark.parametrize("content", [SIGNED, POEM, COSIGNED, GO_NOTE])
def test_a_note_is_read_and_written_byte_for_byte(content):
    assert Note.parse(content).content == content


def test_the_text_may_hold_empty_lines():
    assert Note.parse(POEM).text.endswith("\n\ned è subito sera.\n".encode())


def test_a_cosignature_of_the_specification_is_taken_apart():
    note = Note.parse(COSIGNED)
    head = TreeHead.parse(note.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert int.from_bytes(note.lines[1].signature[:8], "big") == 1679315147
    assert len(note.lines[1].signature) == 8 + 64
    assert cosigned_message(note.text, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + note.text


@given(position=st.integers(0, len(SIGNED) - 1), change=st.integers(1, 255))
def test_no_changed_byte_of_a_signed_note_passes(position, change):
    changed = bytearray(SIGNED)
    changed[position] ^= change
    with pytest.raises((NoteMalformed, NoteSignatureInvalid, NoteUntrusted)):
        Note.parse(bytes(changed)).opened([VerifierKey.parse(VKEY)])


def test_a_line_of_a_known_key_that_does_not_hold_spoils_the_note():
    other = cosigner_key("w.example/w", LOG.material[1:])
    good = line(LOG, PRIVATE.sign(b"text\n"))
    with pytest.raises(NoteSignatureInvalid):
        Note(text=b"text\n", lines=(good, line(other, b"\x00" * 72))).opened([LOG, other])
    assert Note(text=b"text\n", lines=(good, line(other, b"\x00" * 72))).opened([LOG]).by == ((LOG, good),)


def test_a_note_that_nobody_known_signed_is_untrusted():
    with pytest.raises(NoteUntrusted):
        Note.parse(SIGNED).opened([LOG])


def test_a_key_of_the_same_name_and_another_id_is_unknown():
    other = ed25519_key("example.com/foo", LOG.material[1:])
    with pytest.raises(NoteUntrusted):
        Note.parse(SIGNED).opened([other])


def test_our_own_type_has_byte_ff_an_identifier_and_the_recommended_key_id():
    private = sm2.PrivateKey.generate()
    key = own_key("log.example/a", private.public_key.spki)
    material = b"\xffyinxin.note/v1/SM2-SM3\n" + private.public_key.spki
    assert key.material == material
    assert key.key_id == hashlib.sha256(b"log.example/a\n" + material).digest()[:4]
    assert VerifierKey.parse(key.text) == key
    key.verify(b"text\n", private.sign(b"text\n"))
    with pytest.raises(NoteSignatureInvalid):
        key.verify(b"text!\n", private.sign(b"text\n"))


def test_a_cosignature_binds_its_time():
    key = cosigner_key("w.example/w", LOG.material[1:])
    value = PRIVATE.sign(cosigned_message(b"text\n", 5))
    key.verify(b"text\n", join_cosignature(5, value))
    for at in (6, 0, 2**63):
        with pytest.raises(NoteSignatureInvalid):
            key.verify(b"text\n", join_cosignature(at, value))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 a\n",
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED.replace(b"\n", b"\r\n"),
        SIGNED.replace(b"This", b"Th\tis"),
        SIGNED.replace(b"This", b"\xff\xfe"),
        SIGNED.replace(b"aQM=", b"aQN="),  # the same bytes in another spelling of base64
        SIGNED.replace("—".encode(), b"-"),
        SIGNED.replace(b"example.com/foo ", b"example.com/+foo "),
        SIGNED.replace(b"example.com/foo ", "example.com/\u3000foo ".encode()),
    ],
)
def test_what_is_no_signed_note_is_refused(content):
    with pytest.raises(NoteMalformed):
        Note.parse(content)


def test_the_bounds_of_a_note_hold_from_both_sides():
    good = line(LOG, PRIVATE.sign(b"text\n"))
    assert len(Note.parse(Note(text=b"text\n", lines=(good,) * MAX_LINES).content).lines) == MAX_LINES
    with pytest.raises(NoteMalformed):
        Note(text=b"text\n", lines=(good,) * (MAX_LINES + 1))
    room = MAX_NOTE_BYTES - len(Note(text=b"\n", lines=(good,)).content)
    longest = Note(text=b"a" * room + b"\n", lines=(good,)).content
    assert Note.parse(longest).content == longest
    with pytest.raises(NoteMalformed):
        Note.parse(b"a" + longest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530D903A"),
        VKEY[:-4],
        VKEY + "\n",
        "a b+00000000+" + VKEY.rpartition("+")[2],
        "a+00000000+" + base64.b64encode(b"\x06" + b"\x00" * 32).decode(),
        "a+00000000+" + base64.b64encode(b"\xffother/v1\n" + b"\x00" * 32).decode(),
    ],
)
def test_what_is_no_verifier_key_is_refused(text):
    with pytest.raises(NoteMalformed):
        VerifierKey.parse(text)


@given(
    origin=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40),
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20), max_size=4),
)
def test_a_tree_head_is_read_as_written(origin, size, root, extensions):
    head = TreeHead(origin=origin, size=size, root=root, extensions=tuple(extensions))
    assert TreeHead.parse(head.text) == head


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"o\n1\n",
        b"o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"o\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        b"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        b"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\next\n",
        b"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    ],
)
def test_what_is_no_tree_head_is_refused(text):
    with pytest.raises(NoteMalformed):
        TreeHead.parse(text)
