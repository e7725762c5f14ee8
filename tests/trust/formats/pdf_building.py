"""PDFs put together by hand, right or wrong."""

import pytest

from trust.formats.pdf import read_pdf
from trust.kernel.errors import TrustError


def refusal(data, **limits):
    with pytest.raises(TrustError) as caught:
        read_pdf(data, **limits).attachments("metadata.json")
    return caught.value.code


def built(*objects, trailer=b"", size=None):
    """A PDF of these numbered objects with a true cross-reference table."""
    data, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (size or len(objects) + 1, trailer)
    return bytes(data + b"startxref\n%d\n%%%%EOF\n" % start)


def stream(dictionary, body):
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(body), body)


def behind_xref_stream(dictionary, body, *objects):
    """A PDF whose cross-reference is one stream of the given dictionary and body."""
    data = b"%PDF-1.7\n" + b"".join(objects)
    return data + b"9 0 obj\n" + stream(dictionary, body) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(data)
