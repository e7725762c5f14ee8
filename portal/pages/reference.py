"""Pages for developers: the API description rendered on the server, and one page per error code."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint

from portal.pages.rendering import Pages, language
from portal.pages.texts import TEXTS
from trust.http.errors import AddressUnknown
from trust.http.problems import TYPE_PATH, status_of_class
from trust.kernel.errors import TrustError
from verifier.report import Language

_METHODS = ("get", "post", "put", "patch", "delete")
_SCHEMAS = "#/components/schemas/"
_RESPONSES = "#/components/responses/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One parameter or member of a body."""

    name: str
    kind: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    scopes: Sequence[str]
    parameters: Sequence[Field]
    body_kind: str
    body: Sequence[Field]
    example: str
    answers: Sequence[tuple[str, str]]


def blueprint(pages: Pages, description: Callable[[], Mapping[str, Any]]) -> Blueprint:
    """Return the routes `/docs`, `/problems` and `/problems/<code>`; `description` returns the OpenAPI document."""
    routes = Blueprint("reference", __name__)
    bodies: dict[tuple[str, Language], str] = {}  # they are long, and the same for everybody while the program runs

    def body(template: str, values: Callable[[], Mapping[str, object]]) -> str:
        place = template, language()
        if place not in bodies:
            bodies[place] = pages.part(template, **values())
        return bodies[place]

    @routes.get("/docs")
    def docs() -> str:
        shown = body("_docs.html", lambda: {"groups": operations(description())})
        return pages.render("reference.html", title=TEXTS[language()].docs_title, body=shown)

    @routes.get(TYPE_PATH.rstrip("/"))
    def problems() -> str:
        shown = body("_problems.html", lambda: {"rows": _rows()})
        return pages.render("reference.html", title=TEXTS[language()].problem_all, body=shown)

    @routes.get(f"{TYPE_PATH}<code>")
    def problem(code: str) -> str:
        kind = error_codes().get(code)
        if kind is None:
            raise AddressUnknown
        return pages.render("problem.html", kind=kind, code=code, status=status_of_class(kind), problem=None)

    return routes


def _rows() -> list[tuple[str, int, type[TrustError]]]:
    return [(code, status_of_class(kind), kind) for code, kind in sorted(error_codes().items())]


def error_codes() -> dict[str, type[TrustError]]:
    """Return the error class behind each code; of classes that share a code, the one nearest to the root."""
    codes: dict[str, type[TrustError]] = {}
    for kind in _with_subclasses(TrustError):
        codes.setdefault(kind.code, kind)
    return codes


def operations(document: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Return the operations of an OpenAPI document by their tag."""
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                tag = (methods[method].get("tags") or [""])[0]
                groups.setdefault(tag, []).append(_operation(document, path, method, methods[method]))
    return groups


def _with_subclasses(kind: type[TrustError]) -> Iterator[type[TrustError]]:
    level = [kind]
    while level:
        yield from level
        level = [child for parent in level for child in parent.__subclasses__()]


def _operation(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Operation:
    contents: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    kind = next(iter(contents), "")
    content: Mapping[str, Any] = contents.get(kind, {})
    example = content.get("example")
    return Operation(
        anchor=f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        scopes=_scopes(operation),
        parameters=[_parameter(document, parameter) for parameter in operation.get("parameters", [])],
        body_kind=kind,
        body=_members(document, content.get("schema", {})),
        example="" if example is None else json.dumps(example, ensure_ascii=False, indent=2),
        answers=[_answer(document, status, answer) for status, answer in operation["responses"].items()],
    )


def _scopes(operation: Mapping[str, Any]) -> Sequence[str]:
    """Return what a token needs, whichever way it was obtained."""
    needed = (scopes for entry in operation.get("security", []) for scopes in entry.values())
    return sorted({scope for scopes in needed for scope in scopes})


def _parameter(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> Field:
    return Field(
        name=parameter["name"],
        kind=_kind(document, parameter.get("schema", {})),
        required=parameter.get("required", False),
        meaning=parameter.get("description", ""),
    )


def _members(document: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Field]:
    resolved = _resolved(document, schema, _SCHEMAS, "schemas")
    required = resolved.get("required", [])
    return [
        Field(
            name=name,
            kind=_kind(document, member),
            required=name in required,
            meaning=member.get("description", ""),
        )
        for name, member in resolved.get("properties", {}).items()
    ]


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return a schema's type in words; an object of its own shows its name."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_kind(document, choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    kind = str(schema.get("type", ""))
    if kind == "array":
        return f"{kind} <{_kind(document, schema.get('items', {}))}>"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _answer(document: Mapping[str, Any], status: str, answer: Mapping[str, Any]) -> tuple[str, str]:
    return status, _resolved(document, answer, _RESPONSES, "responses").get("description", "")


def _resolved(document: Mapping[str, Any], part: Mapping[str, Any], prefix: str, place: str) -> Mapping[str, Any]:
    reference = part.get("$ref", "")
    if reference.startswith(prefix):
        found: Mapping[str, Any] = document["components"][place][reference.removeprefix(prefix)]
        return found
    return part
