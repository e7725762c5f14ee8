"""Published ways to change what a signed PDF shows, each with the code that it earns; none may ever be VALID.

Classes: USF, ISA, SWA (Mladenov et al. 2018), shadow (Mainka et al. 2021), certification (EAA, SSA 2021).
"""

import io
import re

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from tests.verifier import world
from tests.verifier.suspicion import VERIFIER, code_of, plain
from trust.formats import der
from verifier.rehearsal import with_changed_byte, with_page_added
from verifier.report import Verdict


def incremental(pdf, change):
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def resigned(pdf, old, new):
    """Replace bytes of equal length, leaving all else."""
    assert len(old) == len(new)
    assert pdf.count(old) >= 1
    return pdf.replace(old, new, 1)


def add_annotation(writer):
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(n) for n in (50, 600, 500, 700)]),
            pdf_name("/Contents"): generic.pdf_string("valid until 2099"),
        }
    )
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Annots"].append(writer.add_object(note))
    writer.update_container(page["/Annots"])


def drop_form(writer):
    del writer.root["/AcroForm"]
    writer.update_root()


def replace_signature(writer):
    """Hide the signature behind an empty one of the same object number (USF)."""
    reference = writer.root["/AcroForm"]["/Fields"][0].raw_get("/V")
    signature = reference.get_object()
    del signature["/ByteRange"]
    writer.mark_update(reference)


def shift_range(writer):
    reference = writer.root["/AcroForm"]["/Fields"][0].raw_get("/V")
    reference.get_object()["/ByteRange"] = generic.ArrayObject(map(generic.NumberObject, (0, 10, 20, 30)))
    writer.mark_update(reference)


def test_a_page_added_in_a_later_revision():
    assert code_of(with_page_added(world.good())) == "modified-after-signing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (add_annotation, "modified-after-signing"),
        (lambda writer: writer.update_root(), "modified-after-signing"),
        (drop_form, "structure-ambiguous"),
        (replace_signature, "coverage-broken"),
        (shift_range, "coverage-broken"),
    ],
    ids=["annotation", "catalogue rewritten", "form removed", "range removed", "range moved"],
)
def test_a_later_revision_of_any_kind(change, code):
    assert code_of(incremental(world.good(), change)) == code


@pytest.mark.parametrize("tail", [b"\n", b"%", b"\n%%EOF\n", b" " * 2000, b"\nstartxref\n0\n%%EOF\n"])
def test_bytes_behind_the_signed_end(tail):
    assert code_of(world.good() + tail) in ("modified-after-signing", "pdf-malformed")


def test_a_second_signature_after_a_certification():
    first = world.good()
    second = world.Stamp(room=4096)

    def sign(writer):
        value = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Sig"),
                pdf_name("/Filter"): pdf_name("/Adobe.PPKLite"),
                pdf_name("/SubFilter"): pdf_name("/ETSI.CAdES.detached"),
                pdf_name("/ByteRange"): generic.ArrayObject(map(generic.NumberObject, (0, *[9999999999] * 3))),
                pdf_name("/Contents"): generic.ByteStringObject(bytes(4096)),
            }
        )
        form_field = generic.DictionaryObject(
            {
                pdf_name("/FT"): pdf_name("/Sig"),
                pdf_name("/T"): generic.pdf_string("other"),
                pdf_name("/V"): writer.add_object(value),
            }
        )
        writer.root["/AcroForm"]["/Fields"].append(writer.add_object(form_field))
        writer.update_container(writer.root["/AcroForm"]["/Fields"])

    twice = world.seal_page(incremental(first, sign), second, at=len(first))
    assert code_of(twice) == "modified-after-signing"


def test_two_signatures_that_allow_each_other_are_not_judged():
    first = world.stamped(permission=None)

    def sign(writer):
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        value = generic.DictionaryObject(dict(field["/V"]))
        value[pdf_name("/ByteRange")] = generic.ArrayObject(map(generic.NumberObject, (0, *[9999999999] * 3)))
        value[pdf_name("/Contents")] = generic.ByteStringObject(bytes(4096))
        other = generic.DictionaryObject({pdf_name("/FT"): pdf_name("/Sig")})
        other[pdf_name("/V")] = writer.add_object(value)
        writer.root["/AcroForm"]["/Fields"].append(writer.add_object(other))
        writer.update_container(writer.root["/AcroForm"]["/Fields"])

    twice = world.seal_page(incremental(first, sign), world.Stamp(), at=len(first))
    assert code_of(twice) == "several-signatures"


def test_a_byte_of_the_content_changed():
    pdf = plain()
    at = pdf.index(b"stream\n") + 12
    assert code_of(with_changed_byte(pdf, at)) == "digest-mismatch"


def test_a_byte_of_the_signature_value_changed():
    pdf = world.good()
    start, _ = world.signature_span(pdf)
    length = int(pdf[start + 5 : start + 9], 16)
    at = start + 2 * (4 + length)  # the last hexadecimal digit of the DER: within s
    changed = bytearray(pdf)
    changed[at] = ord("1") if changed[at] != ord("1") else ord("2")
    assert code_of(bytes(changed)) == "signature-invalid"


def test_the_time_of_signing_changed():
    assert code_of(resigned(plain(), b"D:20261121", b"D:20251121")) == "digest-mismatch"


def test_the_signature_of_another_file():
    one, two = world.good(), world.stamped(attachments=())
    own, other = world.signature_span(two), world.signature_span(one)
    swapped = two[: own[0]] + one[other[0] : other[1]] + two[own[1] :]
    assert code_of(swapped) == "digest-mismatch"


@pytest.mark.parametrize("spelling", [b"a0 b", b"A0b0", b"0a0Z"])
def test_a_gap_that_holds_more_than_plain_digits(spelling):
    pdf = bytearray(world.good())
    _, end = world.signature_span(bytes(pdf))
    pdf[end - 5 : end - 1] = spelling
    assert code_of(bytes(pdf)) in ("coverage-broken", "pdf-malformed")


def test_data_behind_the_der_inside_the_gap():
    pdf = bytearray(world.good())
    _, end = world.signature_span(bytes(pdf))
    pdf[end - 9 : end - 1] = b"deadbeef"
    assert code_of(bytes(pdf)) == "signature-malformed"


def test_a_gap_that_is_wider_than_the_value():
    """Signature wrapping: the signed parts stay, what lies between them grows (SWA)."""
    pdf = plain()
    _, end = world.signature_span(pdf)
    numbers = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)", pdf)
    wrapped = pdf[:end] + b"/Hidden (inserted)" + pdf[end:]
    moved = numbers[0].replace(numbers[2], str(end + 18).encode(), 1)
    wrapped = wrapped.replace(numbers[0], moved)
    assert code_of(wrapped) in ("pdf-malformed", "coverage-broken")


@pytest.mark.parametrize(
    "numbers",
    [
        b"[0 {s} {e} {n} 0 0]",
        b"[1 {s} {e} {n}]",
        b"[0 {s} {s} {n}]",
        b"[0 {s} {e} 999999]",
        b"[0 {s} {e}]",
        b"[0 {s} {e} -5]",
        b"[0 {s}.0 {e} {n}]",
        b"[0 [{s}] {e} {n}]",
        b"null",
    ],
)
def test_a_byte_range_that_is_not_two_pieces_around_the_value(numbers):
    stamp = world.Stamp(object_streams=False)
    pdf = world.stamped(stamp)
    start, end = world.signature_span(pdf)
    old = re.search(rb"/ByteRange (\[[^\]]*\])", pdf)
    text = numbers.replace(b"{s}", str(start).encode()).replace(b"{e}", str(end).encode())
    text = text.replace(b"{n}", str(len(pdf) - end).encode())
    changed = pdf.replace(old[1], text.ljust(len(old[1]))[: max(len(old[1]), len(text))])
    assert code_of(changed) in ("coverage-broken", "structure-ambiguous", "pdf-malformed")


def test_a_second_byte_range_in_the_signature():
    pdf = plain()
    assert pdf.count(b"/SubFilter /ETSI.CAdES.detached") == 1
    doubled = pdf.replace(b"/SubFilter /ETSI.CAdES.detached", b"/ByteRange[0 1 2 3            ]")
    assert code_of(doubled) == "pdf-malformed"


def test_a_stray_byte_range_in_the_open_makes_the_file_ambiguous():
    stray = ("note.txt", b"/ByteRange [0 1 2 3]")
    attachments = (*world.Stamp().attachments, stray)
    assert code_of(world.stamped(attachments=attachments, compressed=False)) == "structure-ambiguous"
    assert VERIFIER.verify_file(world.stamped(compressed=False)).verdict is Verdict.VALID


def test_a_signature_that_the_form_does_not_reach():
    pdf = world.stamped(in_form=False)
    assert b"/ByteRange" in pdf
    assert code_of(pdf) == "structure-ambiguous"


def test_a_file_saved_anew_by_an_editor():
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(world.good())) as pdf:
        pdf.add_blank_page()
        pdf.save(out)
    assert code_of(out.getvalue()) == "coverage-broken"


def test_a_shadowed_cross_reference():
    """A second table that moves the page content is appended; the signed bytes stay."""
    pdf = plain()
    objects = len(pdf)
    fake = b"4 0 obj\n<< /Length 3 >>\nstream\nBAD\nendstream\nendobj\n"
    table = objects + len(fake)
    size = re.search(rb"/Size (\d+)", pdf)[1]
    previous = re.search(rb"startxref\s+(\d+)", pdf)[1]
    root = re.search(rb"/Root (\d+ 0 R)", pdf)[1]
    tail = b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size %s /Root %s /Prev %s >>\n" % (objects, size, root, previous)
    shadowed = pdf + fake + tail + b"startxref\n%d\n%%%%EOF\n" % table
    assert code_of(shadowed) == "modified-after-signing"


def test_a_digest_algorithm_outside_the_table():
    pdf = world.good()
    start, end = world.signature_span(pdf)
    sm3_oid, sha256_oid = b"06082a811ccf55018311", b"0609608648016503040201"
    changed = pdf[start:end].replace(sm3_oid, b"06082a811ccf55018312")
    assert code_of(pdf[:start] + changed + pdf[end:]) == "algorithm-refused"
    assert sha256_oid not in changed


def test_a_signature_algorithm_outside_the_table():
    pdf = world.good()
    start, end = world.signature_span(pdf)
    at = pdf.rindex(b"06082a811ccf55018375", start, end)
    changed = pdf[:at] + b"06082a811ccf55018376" + pdf[at + 20 :]
    assert code_of(changed) == "algorithm-refused"


def test_a_signature_that_names_another_x509():
    other = world.certify("signer", world.issuing(), serial=99)
    both = world.stamped(by=world.Party(world.signer().key, other.x509), chain=(world.signer().x509,))
    report = VERIFIER.verify_file(both)
    assert report.code == "seal-signer-not-listed"


def test_no_flipped_byte_of_an_enclosed_ca_leaves_a_file_valid():
    """The certificates of a CMS are not signed: what the path does not need must not be there."""
    pdf = world.good()
    begin = pdf.index(world.issuing().x509.der.hex().encode())
    codes = set()
    for at in range(begin, begin + 2 * len(world.issuing().x509.der), 3):
        changed = bytearray(pdf)
        changed[at] = ord("1") if changed[at] != ord("1") else ord("2")
        codes.add(code_of(bytes(changed)))
    assert codes == {"signature-malformed", "x509-stray"}


def with_part(pdf, *, behind_certificates=b"", in_signer=b""):
    """Put a part that nobody signed into the CMS of a file; the signed bytes of the file stay as they are."""
    start, end = world.signature_span(pdf)
    raw = bytes.fromhex(pdf[start + 1 : end - 1].decode())
    oid, explicit = der.read_strict(raw[: 4 + int.from_bytes(raw[2:4], "big")]).children()
    *head, signers = explicit.children()[0].children()
    signer = der.encode(der.SEQUENCE, signers.children()[0].content, in_signer)
    parts = [part.encoded for part in head]
    body = der.encode(der.SEQUENCE, *parts, behind_certificates, der.encode(der.SET, signer))
    changed = der.encode(der.SEQUENCE, oid.encoded, der.encode(0xA0, body))
    return pdf[: start + 1] + changed.hex().encode().ljust(end - start - 2, b"0") + pdf[end - 1 :]


UNSIGNED = der.encode(
    0xA1, der.encode(der.SEQUENCE, der.encode_oid("1.2.3.4"), der.encode(der.SET, der.encode(der.OCTET_STRING, b"x")))
)


@pytest.mark.parametrize(
    "part",
    [{"in_signer": UNSIGNED}, {"behind_certificates": der.encode(0xA1, der.encode(der.OCTET_STRING, b"list"))}],
    ids=["unsigned attribute", "revocation list"],
)
def test_parts_of_the_signature_that_nobody_signed(part):
    assert with_part(world.good()) == world.good()
    report = VERIFIER.verify_file(with_part(world.good(), **part))
    assert (report.verdict, report.code) == (Verdict.INVALID, "unsigned-parts")
