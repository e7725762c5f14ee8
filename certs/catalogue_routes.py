"""`GET /api/v1/types`: the catalogue (GB/T 36902), open to anyone: the types and the fields that each takes."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from certs.catalogue import Catalogue, CertificateType
from certs.face import Field

_CACHE_SECONDS = 300  # a new type is seen within minutes


def blueprint(catalogue: Catalogue) -> APIBlueprint:
    """Return the routes below `/api/v1/types`."""
    routes = APIBlueprint("types", __name__, url_prefix="/api/v1/types", tag="Certificate types")

    @routes.get("")
    @routes.doc(summary="Every certificate type, without its fields")
    def every() -> Response:
        return _cached(jsonify({"types": [_shown(kind) for kind in catalogue.types]}))

    @routes.get("/<code>")
    @routes.doc(summary="One certificate type with its fields: what `face` may and must hold")
    def one(code: str) -> Response:
        kind = catalogue.get(code)
        return _cached(jsonify(_shown(kind) | {"fields": [_shown_field(field) for field in kind.fields]}))

    return routes


def _cached(response: Response) -> Response:
    response.cache_control.public = True
    response.cache_control.max_age = _CACHE_SECONDS
    return response


def _shown(kind: CertificateType) -> dict[str, Any]:
    return {
        "code": kind.code,
        "name": kind.name_en,
        "name_zh": kind.name,
        "defined_by": kind.defined_by_en,
        "defined_by_zh": kind.defined_by,
        "holder_kind": kind.holder_kind,
        "years": kind.years,
    }


def _shown_field(field: Field) -> dict[str, Any]:
    """Describe a field; one with a `role` may be left out of `face` when the command gives the value elsewhere."""
    return {
        "key": field.key,
        "label": field.label_en,
        "label_zh": field.label,
        "kind": field.kind.value,
        "role": field.role.value if field.role else None,
        "required": field.required,
        "max_length": field.max_length,
        "choices": list(field.choices) or None,
        "pattern": field.pattern_hint or None,
    }
