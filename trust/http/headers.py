"""Security headers of every answer.

The policy is stricter than most sites need it: our pages have no script unless they ask for our own one, no inline
style, and nothing from another host. An answer that is no page may load nothing at all.

A view loosens the policy of its own answer, and only of that one, before it returns:

* `allow_own_script()` lets the page run scripts of this service and fetch from it (the passkey page);
* `allow_form_target(uri)` lets a form of the page end at another origin: Chromium applies `form-action` to every
  redirect that follows a form's submission (CSP3 section 6.4.1.1 leaves that open), so the consent page must name where
  its answer leads.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Flask, Response, g

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:;{scripts} form-action 'self'{targets}; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_OWN_SCRIPTS = " script-src 'self'; connect-src 'self';"
_OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HTTPS_SECONDS = 365 * 24 * 3600  # a browser that came once by https never again tries http for a year
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(), geolocation=()"),
)
_ALLOWANCE = "page_allowance"  # where the present request keeps its own
_WEB = frozenset({"http", "https"})
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(slots=True)
class _Allowance:
    scripts: bool = False
    targets: list[str] = field(default_factory=list)


def install(app: Flask, *, https: bool) -> None:
    """Add the headers to every answer of `app`; `https` says whether people reach it by https."""
    fixed = [*_ALWAYS]
    if https:
        fixed.append(("Strict-Transport-Security", f"max-age={_HTTPS_SECONDS}"))

    def finish(response: Response) -> Response:
        headers = response.headers
        headers.extend(fixed)
        headers.add("Content-Security-Policy", _page_policy() if response.mimetype == "text/html" else _OTHER_POLICY)
        if "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        return response

    app.after_request(finish)


def private(response: Response) -> Response:
    """Say that nobody keeps this answer: it is about a person, and true only now (RFC 9111 section 5.2.2.5)."""
    response.headers["Cache-Control"] = "no-store"
    return response


def allow_own_script() -> None:
    """Let the page of the present answer run this service's own scripts, and let these fetch from this service."""
    _own().scripts = True


def allow_form_target(uri: str) -> None:
    """Let a form of the present page be redirected to the origin of `uri`.

    Raises `ValueError` for what has no scheme, or has a host that a policy cannot name: `uri` is a registered one.
    """
    _own().targets.append(_source(uri))


def _own() -> _Allowance:
    if _ALLOWANCE not in g:
        setattr(g, _ALLOWANCE, _Allowance())
    found: _Allowance = g.get(_ALLOWANCE)
    return found


def _page_policy() -> str:
    own = _own()
    return _PAGE_POLICY.format(
        scripts=_OWN_SCRIPTS if own.scripts else "", targets="".join(f" {target}" for target in own.targets)
    )


def _source(uri: str) -> str:
    """Return the CSP source that covers `uri`: its origin, or the scheme alone for an app's own scheme."""
    parts = urlsplit(uri)
    if not _SCHEME.fullmatch(parts.scheme):
        raise ValueError("no scheme")
    if parts.scheme not in _WEB or parts.netloc.startswith("["):  # a policy has no notation for an IPv6 address
        return f"{parts.scheme}:"
    if not _HOST.fullmatch(parts.netloc):
        raise ValueError("no host that a policy can name")
    return f"{parts.scheme}://{parts.netloc}"
