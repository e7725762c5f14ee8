"""The pages on 127.0.0.1 in a thread, with a relying system beside them that shows what it got."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from portal.pages import verification
from portal.pages.rendering import Pages
from tests.portal.offices import CLIENT, MATTER, Office, open_office
from tests.portal.support import TableJudge
from trust.http import headers
from trust.http.rate import RateLimiter

_PAGE = """<!doctype html><html lang="en"><title>system</title><link rel="icon" href="data:,"><h1>Back</h1></html>"""


@dataclass
class Site:
    """One office under its address, and the address of the relying system."""

    office: Office
    url: str
    system: str

    def authorize(self, **arguments: str) -> str:
        query = {"client_id": CLIENT.id, "code_challenge": "x" * 43, "matter": MATTER.code, **arguments}
        return f"{self.url}/oauth/authorize?{urlencode(query)}"


@contextmanager
def served(server: BaseWSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """`localhost`, as browsers take no bare address as the id of a relying party of WebAuthn."""
    ours = make_server("127.0.0.1", 0, Flask("none"), threaded=True)
    theirs = make_server("127.0.0.1", 0, _system(), threaded=True)
    url, system = f"http://localhost:{ours.server_port}", f"http://127.0.0.1:{theirs.server_port}"
    office = open_office(folder, url)
    office.asked.callback = f"{system}/callback"
    limiter = RateLimiter(1000, office.signing.clock)
    office.app.register_blueprint(verification.blueprint(Pages(office.app), TableJudge(), limiter, public_url=url))
    ours.app = office.app
    with served(ours), served(theirs):
        yield Site(office=office, url=url, system=system)
    office.signing.database.close()


def _system() -> Flask:
    app = Flask("system")
    headers.install(app, https=False)

    @app.get("/callback")
    def callback() -> str:
        return _PAGE

    return app
