"""A person's browser as the demonstration, the benchmark and the tests play it: pages, forms, cookies, no script.

It does what a browser without JavaScript does: follows redirects across hosts, keeps cookies per host, and sends a form
with the fields that the page gave it. A page that cannot be used that way fails here.
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

from typing_extensions import override

from trust.kernel.errors import InternalFault

_SECONDS: Final = 30.0
_MAX_REDIRECTS: Final = 20  # a sign-in takes about six; more is a loop
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_KEEPING_THE_METHOD: Final = frozenset({307, 308})
_BOXES: Final = frozenset({"checkbox", "radio"})


class PageUnusable(InternalFault):
    """A page was not what the person in front of it needs: no such form, or redirects without end."""

    code = "demonstration-page-unusable"
    title = "A page of the demonstration could not be used."
    title_zh = "演示页面无法使用。"


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and the fields with the values they came with.

    `choices` are names of boxes that are not ticked: known, but not sent. Of buttons, name and value.
    """

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a browser shows at the end of all redirects."""

    url: str
    status: int
    text: str
    forms: tuple[Form, ...]

    def form(self, *, having: str) -> Form:
        """Return the first form with the field or the button `having`. Raises `PageUnusable`."""
        for found in self.forms:
            if having in found.fields or having in found.choices or having in dict(found.buttons):
                return found
        raise PageUnusable(f"No form with {having} on {urlsplit(self.url).path} (status {self.status}).")


class Browser:
    """One person's browser."""

    def __init__(self, *, language: str = "zh-CN") -> None:
        self._language = language
        self._cookies: dict[str, dict[str, str]] = {}
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def get(self, url: str) -> Page:
        """Open an address and follow its redirects."""
        return self._open("GET", url, None)

    def submit(self, page: Page, values: Mapping[str, str]) -> Page:
        """Send the form that has the first of `values`, a field or a button, with `values` over what it came with."""
        form = page.form(having=next(iter(values)))
        sent = form.fields | dict(values)
        target = urljoin(page.url, form.action)
        if form.method == "get":
            return self._open("GET", f"{target}?{urlencode(sent)}", None)
        return self._open("POST", target, urlencode(sent).encode(), referer=page.url)

    def send(self, url: str, values: Mapping[str, str]) -> Page:
        """Send values as a form of another page of the same site would."""
        return self._open("POST", url, urlencode(values).encode(), referer=url)

    def cookies(self, host: str) -> Mapping[str, str]:
        """Return the cookies kept for `host` (with its port)."""
        return dict(self._cookies.get(host, {}))

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()

    def _open(self, method: str, url: str, body: bytes | None, referer: str | None = None) -> Page:
        for _ in range(_MAX_REDIRECTS):
            status, headers, content = self._call(method, url, body, referer)
            if status not in _REDIRECTS:
                return _page(url, status, content)
            if status not in _REDIRECTS_KEEPING_THE_METHOD:
                method, body = "GET", None
            url = urljoin(url, headers.get("Location", ""))
        raise PageUnusable(f"More than {_MAX_REDIRECTS} redirects, last to {urlsplit(url).path}.")

    def _call(
        self, method: str, url: str, body: bytes | None, referer: str | None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        parts = urlsplit(url)
        jar = self._cookies.setdefault(parts.netloc, {})
        headers = {"Accept-Language": self._language, "Accept": "text/html"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if body is not None:
            origin = urlsplit(referer or url)
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"{origin.scheme}://{origin.netloc}",
            }
        target = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
        answer = self._send(parts.netloc, method, target, body, headers)
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            _keep(jar, line)
        return answer.status, answer.headers, content

    def _send(
        self, netloc: str, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        connection = self._connections.setdefault(netloc, http.client.HTTPConnection(netloc, timeout=_SECONDS))
        try:
            connection.request(method, target, body, dict(headers))
            return connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):  # the server closed a connection that lay idle
            connection.close()
            connection.request(method, target, body, dict(headers))
            return connection.getresponse()


def _keep(jar: dict[str, str], line: str) -> None:
    for name, morsel in SimpleCookie(line).items():
        if morsel["max-age"] == "0" or not morsel.value:
            jar.pop(name, None)
        else:
            jar[name] = morsel.value


def _page(url: str, status: int, content: bytes) -> Page:
    text = content.decode("utf-8", "replace")
    reader = _Forms()
    reader.feed(text)
    return Page(url=url, status=status, text=text, forms=tuple(reader.forms))


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select: str | None = None

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(action=values.get("action", ""), method=values.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None:
            self._field(self._open, tag, values)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None

    def _field(self, form: Form, tag: str, values: Mapping[str, str]) -> None:
        name = values.get("name", "")
        kind = values.get("type", "text" if tag == "input" else "submit")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in values or self._select not in form.fields:
                form.fields[self._select] = values.get("value", "")
        elif tag == "textarea":
            form.fields[name] = ""
        elif tag == "button" or kind == "submit":
            form.buttons.append((name, values.get("value", "")))
        elif tag == "input" and kind in _BOXES and "checked" not in values:
            form.choices.add(name)
        elif tag == "input":
            form.fields[name] = values.get("value", "")
