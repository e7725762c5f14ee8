"""Security headers of every answer.

The policy is stricter than a site with scripts needs it: our pages have no script, no inline style, and nothing from
another host. An answer that is no page may load nothing at all.
"""

from flask import Flask, Response

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_OTHER_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HTTPS_SECONDS = 365 * 24 * 3600  # a browser that came once by https never again tries http for a year
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(), geolocation=()"),
)


def install(app: Flask, *, https: bool) -> None:
    """Add the headers to every answer of `app`; `https` says whether people reach it by https."""
    fixed = [*_ALWAYS]
    if https:
        fixed.append(("Strict-Transport-Security", f"max-age={_HTTPS_SECONDS}"))

    def finish(response: Response) -> Response:
        headers = response.headers
        headers.extend(fixed)
        headers.add("Content-Security-Policy", _PAGE_POLICY if response.mimetype == "text/html" else _OTHER_POLICY)
        if "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        return response

    app.after_request(finish)
