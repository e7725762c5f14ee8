"""Reading requests strictly: what is not understood to the last member is refused, never guessed.

Use in a route, below the route decorator and `protected`::

    @blueprint.post("/api/v1/things")
    @protected(tokens, "certs:issue")
    @json_body(ThingBody)
    def make_thing(*, principal: Principal, body: ThingBody) -> ...:

`ThingBody` is a `StrictModel`. Values are read in pydantic's JSON mode: strict types, while dates are ISO 8601 strings.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import wraps
from typing import IO, Any, NoReturn, TypeVar

from flask import Flask, Request, request
from flask.json.provider import DefaultJSONProvider
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import override

from trust.http.errors import BodyTooLarge, FieldInvalid, JsonDuplicateMember, JsonMalformed, MediaTypeUnsupported
from trust.kernel.errors import FieldMissing, FieldUnknown

BODY_ATTRIBUTE = "described_body"
"""Attribute of a view with what `described_contents` was told; the API description reads it."""

MAX_FORM_PARTS = 32
"""Parts of one multipart form. Our largest form has four fields; each part costs the parser time."""

_MULTIPART_ALLOWANCE = 64 * 1024  # bytes for the boundaries, headers and text fields around an uploaded file
_FORM_MEMORY_BYTES = 256 * 1024  # least that works: the reader holds chunks of 64 KiB of a file under the same limit
_READ_AT_ONCE = frozenset({"application/json", "application/x-www-form-urlencoded"})
_MEMBER_NAME = re.compile("[a-z_]{1,40}")  # as all ours are: what else stands in the place of a name may be a value

ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictModel(BaseModel):
    """Base of every request body: no unknown member, no conversion between types, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def load_json(data: bytes | str) -> Any:
    """Return the JSON value. Raises `JsonMalformed` or `JsonDuplicateMember`."""
    try:
        return json.loads(data, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise JsonMalformed(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise JsonMalformed("The JSON is nested too deeply.") from None
    except ValueError:  # not UTF-8, or a number of more digits than Python converts
        raise JsonMalformed("The body is not JSON in UTF-8.") from None


def parse_json(data: bytes, model: type[ModelT]) -> ModelT:
    """Return `data` as `model`.

    Raises `JsonMalformed`, `JsonDuplicateMember`, `FieldUnknown`, `FieldMissing`, `FieldInvalid`.
    """
    if not isinstance(load_json(data), dict):
        raise JsonMalformed("The body must be one JSON object.")
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        refuse_fields(error)


def parse_text_fields(fields: Mapping[str, str], model: type[ModelT]) -> ModelT:
    """Return text fields (a query string, a form) as `model`, converted from text. Raises as `parse_json`."""
    try:
        return model.model_validate_strings(dict(fields), strict=False)
    except ValidationError as error:
        refuse_fields(error)


def refuse_fields(error: ValidationError) -> NoReturn:
    """Raise our error for the first fault that pydantic found; it names the field and never shows the value."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = _path(fault)
    kind = fault["type"]
    if kind == "extra_forbidden":
        raise FieldUnknown(field=field) from None
    if kind == "missing":
        raise FieldMissing(field=field) from None
    if kind == "json_invalid":
        raise JsonMalformed from None
    raise FieldInvalid(f"{fault['msg']}.", field=field, kind=kind) from None


def read_json(model: type[ModelT]) -> ModelT:
    """Return the body of the present request as `model`."""
    if not request.is_json:
        raise MediaTypeUnsupported("This operation reads application/json.")
    data, limit = request.get_data(), request.max_content_length
    # A chunked body announces no length, and the reader below us cuts it off at the limit without a word.
    if request.content_length is None and limit is not None and len(data) >= limit:
        raise BodyTooLarge(f"A body of unannounced length must have less than {limit} bytes here.")
    return parse_json(data, model)


def json_body(
    model: type[ModelT], *, example: Mapping[str, object] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Parse the JSON body into `model` and hand it to the view as `body`; `example` goes to the API description."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def parsed(*args: Any, **kwargs: Any) -> Any:
            return view(*args, body=read_json(model), **kwargs)

        return described_body(model, media_type="application/json", example=example)(parsed)

    return decorate


def described_headers(model: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Show in the API description the headers that a view reads itself."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        view.__dict__["_spec"] = {**getattr(view, "_spec", {}), "args": [(model, "headers")]}
        return view

    return decorate


def described_body(
    model: type[BaseModel], *, media_type: str, example: Mapping[str, object] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put the body of a view that reads it by itself into the API description."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        # APIFlask builds the description from this attribute, which its own decorators fill in the same way.
        view.__dict__["_spec"] = {
            **getattr(view, "_spec", {}),
            "body": model,
            "body_example": example,
            "content_type": media_type,
        }
        return view

    return decorate


def query_string(model: type[BaseModel]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Parse the query string into `model` and hand it to the view as `query`; the API description shows it."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def parsed(*args: Any, **kwargs: Any) -> Any:
            return view(*args, query=parse_text_fields(request.args.to_dict(), model), **kwargs)

        parsed.__dict__["_spec"] = {**getattr(view, "_spec", {}), "args": [(model, "query")]}
        return parsed

    return decorate


def described_contents(content: Mapping[str, object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Say in the API description what a view reads that parses its body itself: an OpenAPI `content` object."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        setattr(view, BODY_ATTRIBUTE, content)
        return view

    return decorate


class StrictJson(DefaultJSONProvider):
    """JSON of the application: strict on reading; on writing UTF-8 as it is, members in the order given."""

    ensure_ascii = False
    sort_keys = False
    compact = True

    @override
    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read as `load_json` does; the options of other readers do not apply."""
        return load_json(s)


class MemoryRequest(Request):
    """Keeps uploaded files in memory: the framework would write large ones, holders' numbers and all, to a disk."""

    @override
    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def install(app: Flask, *, max_json_bytes: int, max_upload_bytes: int) -> None:
    """Set the body limits of `app`, in bytes, and its JSON reader; a longer body becomes `BodyTooLarge`."""
    app.json = StrictJson(app)
    app.request_class = MemoryRequest
    app.config["MAX_CONTENT_LENGTH"] = max_upload_bytes + _MULTIPART_ALLOWANCE
    app.config["MAX_FORM_MEMORY_SIZE"] = max(max_json_bytes, _FORM_MEMORY_BYTES)
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS

    def limit() -> None:
        # Only files may be long: these two are read into memory at once.
        if request.mimetype in _READ_AT_ONCE:
            request.max_content_length = max_json_bytes
        if request.content_length is not None and request.content_length > (request.max_content_length or 0):
            raise BodyTooLarge(f"This operation reads at most {request.max_content_length} bytes.")

    app.before_request(limit)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise JsonDuplicateMember(field=_shown(counts.most_common(1)[0][0]) or None)
    return members


def _no_constant(name: str) -> NoReturn:
    raise JsonMalformed(f"{name} is not JSON.")


def _path(fault: ErrorDetails) -> str:
    return ".".join(filter(None, map(_shown, fault["loc"]))) or "body"


def _shown(part: str | int) -> str:
    """Return a member's name or place as it may be repeated: a caller may have put a person's number there (law 7)."""
    return str(part) if isinstance(part, int) or _MEMBER_NAME.fullmatch(part) else ""
