"""Further seals on a file that is signed already: pyHanko's incremental writer with a signer of ours.

`PortSigner` plugs any key behind the `Signer` port into pyHanko's public hook. Its CMS is the constant-parts one of
`trust.formats.cms`, handed over as loaded bytes, which asn1crypto does not encode again. pyHanko judges nothing
here; what it wrote is judged by the verifier like everything else.
"""

import asyncio
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from asn1crypto import algos, cms, x509
from pyhanko.pdf_utils import generic as pyhanko_generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError, PdfReadError
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import Signer
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import PdfSignedData
from typing_extensions import override

import trust.formats.asn1  # noqa: F401  registers SM2 and SM3 in asn1crypto
from seals.appearance import (
    OUTER_CONTENT,
    PRINT_AND_LOCKED,
    SEAL_ENTRY,
    inner_entries,
    outer_entries,
    rectangle,
)
from seals.domain import Placement
from seals.errors import PdfChangesForbidden, PdfUnstampable, PlacementUnusable
from seals.stamp import LONGEST_SIGNATURE, MAX_FIELDS, Ink, free_name
from trust.formats.cms import CmsTemplate
from trust.formats.pdf import PdfMalformed, read_pdf
from trust.formats.pdf_syntax import Name, PdfDict
from trust.formats.x509 import X509

generic: Any = pyhanko_generic  # its constructors carry no types
_NO_CHANGES = 1  # DocMDP level, ISO 32000-1 table 254
_MAX_ANCESTORS = 32  # levels of a page tree; real ones have two or three


class PortSigner(Signer):
    """A pyHanko signer that asks `sign` for the SM2 signature over a message."""

    def __init__(self, sign: Callable[[bytes], bytes], signer_x509: X509, template: CmsTemplate) -> None:
        super().__init__(
            signing_cert=x509.Certificate.load(signer_x509.der),
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sm3_sm2"}),
        )
        self._sign = sign
        self._template = template

    @override
    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """Return the signature over `data`; used when pyHanko builds the CMS itself."""
        return bytes(LONGEST_SIGNATURE) if dry_run else self._sign(data)

    @override
    async def async_sign(
        self,
        data_digest: bytes,
        digest_algorithm: str,
        dry_run: bool = False,
        use_pades: bool = False,
        timestamper: Any = None,
        signed_attr_settings: Any = None,
        is_pdf_sig: bool = True,
        encap_content_info: Any = None,
    ) -> cms.ContentInfo:
        """Return the CMS from constant parts; time stamps and enclosed content take pyHanko's own way."""
        if timestamper is not None or encap_content_info is not None or not is_pdf_sig:
            return await super().async_sign(
                data_digest,
                digest_algorithm,
                dry_run=dry_run,
                use_pades=use_pades,
                timestamper=timestamper,
                signed_attr_settings=signed_attr_settings,
                is_pdf_sig=is_pdf_sig,
                encap_content_info=encap_content_info,
            )
        message = self._template.signed_attributes(data_digest)
        signature = bytes(LONGEST_SIGNATURE) if dry_run else self._sign(message)
        return cms.ContentInfo.load(self._template.assemble(data_digest, signature))


def countersign(
    pdf: bytes, seal: Ink, signer: PortSigner, *, placement: Placement, signed_at: datetime, reason: str | None
) -> bytes:
    """Return the file with one more seal in a new revision; what was signed before stays as it is.

    Raises:
        NotADocument, PdfMalformed, PdfEncrypted, PdfBomb, UploadTooLarge: not a PDF that can be worked on.
        PdfChangesForbidden: the first signature permits no changes (DocMDP level 1).
        PlacementUnusable: no such page, or the seal would not lie wholly on it.
    """
    if any(signature.permission == _NO_CHANGES for signature in read_pdf(pdf).signatures):
        raise PdfChangesForbidden(field="pdf")
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        return _signed(writer, seal, signer, placement, signed_at, reason)
    except SigningError:
        raise PdfUnstampable(field="pdf") from None
    except (PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        # pyHanko meets broken objects only when they are touched, and reports them through any of these.
        raise PdfMalformed("The structure of the PDF is broken.", field="pdf", kind=type(error).__name__) from None


def _signed(
    writer: IncrementalPdfFileWriter,
    seal: Ink,
    signer: PortSigner,
    placement: Placement,
    signed_at: datetime,
    reason: str | None,
) -> bytes:
    box = rectangle(placement, _page_box(writer, placement.page))
    name = free_name(set(_field_names(writer.root)))
    steps = PdfCMSEmbedder(new_field_spec=SigFieldSpec(name, on_page=placement.page - 1, box=(0, 0, 1, 1))).write_cms(
        field_name=name, writer=writer
    )
    field_ref = next(steps)
    field = field_ref.get_object()
    field[pdf_name("/Rect")] = generic.ArrayObject(map(generic.FloatObject, box))
    field[pdf_name("/F")] = generic.NumberObject(PRINT_AND_LOCKED)
    picture = writer.add_object(_stream(inner_entries(), seal.appearance))
    seal_ref = writer.add_object(generic.StreamObject(stream_data=seal.seal_der))
    # pyHanko's diff analysis explains new objects of a later revision by the field's appearance, not by private
    # entries of the signature dictionary: the appearance therefore names the seal that it shows, too.
    appearance = writer.add_object(_stream(outer_entries(picture) | {SEAL_ENTRY: seal_ref}, OUTER_CONTENT))
    field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): appearance})
    writer.update_container(field)
    signature = PdfSignedData(
        obj_type=pdf_name("/Sig"),
        subfilter=SigSeedSubFilter.PADES,
        timestamp=signed_at,
        bytes_reserved=2 * seal.reserved,
    )
    signature[pdf_name("/Filter")] = pdf_name("/Adobe.PPKLite")
    signature[pdf_name("/Name")] = generic.pdf_string(seal.owner)
    signature[pdf_name("/" + SEAL_ENTRY)] = seal_ref
    if reason is not None:
        signature[pdf_name("/Reason")] = generic.pdf_string(reason)
    steps.send(SigObjSetup(sig_placeholder=signature))
    prepared, output = steps.send(SigIOSetup(md_algorithm="sm3", in_place=False))
    container = asyncio.run(signer.async_sign(prepared.document_digest, "sm3", use_pades=True))
    prepared.fill_with_cms(output, container)
    return bytes(output.getvalue())


def _page_box(writer: Any, number: int) -> tuple[float, float, float, float]:
    """Return the crop box, else the media box, either of which a page may inherit (ISO 32000-1 table 30)."""
    count = int(writer.root["/Pages"]["/Count"])
    if number > count:
        raise PlacementUnusable(f"The document has {count} pages.", field="page")
    reference, _resources = writer.find_page_for_modification(number - 1)
    found: dict[str, Any] = {}
    node = reference.get_object()
    for _ in range(_MAX_ANCESTORS):
        for key in ("/CropBox", "/MediaBox", "/Rotate"):
            if key in node:
                found.setdefault(key, node[key])
        if "/Parent" not in node:
            break
        node = node["/Parent"]
    if int(found.get("/Rotate", 0)) % 360:
        raise PlacementUnusable("The page is rotated; the seal would stand askew.", field="page")
    left, bottom, right, top = (float(edge) for edge in found.get("/CropBox", found["/MediaBox"]))
    return left, bottom, right, top


def _field_names(root: Any) -> Iterator[str]:
    if "/AcroForm" not in root or "/Fields" not in root["/AcroForm"]:
        return
    for number, reference in enumerate(root["/AcroForm"]["/Fields"]):
        if number == MAX_FIELDS:
            raise PdfReadError(f"more than {MAX_FIELDS} fields")
        field = reference.get_object()
        yield str(field["/T"]) if "/T" in field else ""


def _stream(entries: PdfDict, data: bytes) -> Any:
    """Return a stream; content that is deflated already is passed through as it is."""
    if "Filter" in entries:
        return generic.StreamObject(_as_pyhanko(entries), encoded_data=data)
    return generic.StreamObject(_as_pyhanko(entries), stream_data=data)


def _as_pyhanko(value: Any) -> Any:
    if isinstance(value, dict):
        return generic.DictionaryObject({pdf_name("/" + key): _as_pyhanko(member) for key, member in value.items()})
    if isinstance(value, list):
        return generic.ArrayObject([_as_pyhanko(member) for member in value])
    if isinstance(value, bool):
        return generic.BooleanObject(value)
    if isinstance(value, float):
        return generic.FloatObject(value)
    return pdf_name("/" + value) if isinstance(value, Name) else value
