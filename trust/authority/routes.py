"""What relying parties download: certificates of the CAs and their revocation lists (RFC 5280 section 4.2.1.13)."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from trust.authority.profiles import CaRole
from trust.authority.service import AuthorityService
from trust.kernel.clock import Clock

X509_MEDIA_TYPE = "application/pkix-cert"  # RFC 2585
CRL_MEDIA_TYPE = "application/pkix-crl"
X509_CACHE_SECONDS = 24 * 3600  # a CA certificate never changes under its name while the CA lives
CRL_CACHE_SECONDS = 3600  # a revocation reaches everyone within the hour even through caches


def blueprint(service: AuthorityService, clock: Clock) -> APIBlueprint:
    """Return the routes `/pki/{root,issuing}.{cer,crl}`; open to anyone."""
    routes = APIBlueprint("authority", __name__, url_prefix="/pki", tag="PKI")
    for role in CaRole:
        _add(routes, role, service, clock)
    return routes


def _add(routes: APIBlueprint, role: CaRole, service: AuthorityService, clock: Clock) -> None:
    @routes.get(f"/{role.value}.cer", endpoint=f"{role.value}_cer")
    @routes.doc(summary=f"X.509 certificate of the {role.value} CA, DER", responses=_binary(X509_MEDIA_TYPE))
    def x509() -> Response:
        found = service.ca_x509(role)
        return _cached(found.der, X509_MEDIA_TYPE, found.fingerprint, X509_CACHE_SECONDS)

    @routes.get(f"/{role.value}.crl", endpoint=f"{role.value}_crl")
    @routes.doc(
        summary=f"Newest revocation list of the {role.value} CA, DER",
        responses=_binary(CRL_MEDIA_TYPE),
    )
    def crl() -> Response:
        found = service.crl(role)
        left = int((found.next_update - clock.now()).total_seconds())
        response = _cached(found.der, CRL_MEDIA_TYPE, found.fingerprint, max(0, min(CRL_CACHE_SECONDS, left)))
        response.last_modified = found.this_update
        response.expires = found.next_update
        return response


def _cached(content: bytes, media_type: str, fingerprint: str, seconds: int) -> Response:
    response = Response(content, mimetype=media_type)
    response.cache_control.public = True
    response.cache_control.max_age = seconds
    response.set_etag(fingerprint)
    response.make_conditional(request)
    return response


def _binary(media_type: str) -> Any:
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": "DER", "content": {media_type: {"schema": schema}}}}
