"""The address of a relying system: browsers end up there, and the provider posts logout tokens to it."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_SECONDS = 20  # notices are sent every second; the machine may be busy


@dataclass(kw_only=True)
class Listener:
    """The addresses, and the logout tokens that were posted there, in the order of arrival."""

    address: str
    _tokens: dict[str, "queue.Queue[str]"] = field(default_factory=dict)

    def logout_uri(self) -> str:
        """Return a new address for the logout tokens of one system."""
        path = f"/logout/{len(self._tokens)}"
        self._tokens[path] = queue.Queue()
        return self.address + path

    def logout_token(self, uri: str) -> str:
        """Wait for the next logout token that is posted to an address."""
        return self._tokens[uri.removeprefix(self.address)].get(timeout=_SECONDS)

    def arrived(self, uri: str) -> list[str]:
        """Return every logout token that was posted to an address and not waited for, without waiting."""
        return list(self._tokens[uri.removeprefix(self.address)].queue)

    def keep(self, path: str, form: dict[str, list[str]]) -> None:
        self._tokens[path].put(form["logout_token"][0])


@contextmanager
def listening() -> Iterator[Listener]:
    """Answer every request with 200 while the block runs."""
    found: list[Listener] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._done()

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found[0].keep(self.path, parse_qs(content))
            self._done()

        def _done(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    found.append(Listener(address=f"http://127.0.0.1:{server.server_port}"))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
