"""The pages of “my …” on localhost in a thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from tests.browser.serving import served
from tests.portal.my_office import MyOffice, open_my_office


@dataclass
class MySite:
    """One office under its address; what `tests.browser.walking` needs of a site."""

    mine: MyOffice
    url: str


@contextmanager
def open_my_site(folder: Path) -> Iterator[MySite]:
    server = make_server("127.0.0.1", 0, Flask("none"), threaded=True)
    url = f"http://localhost:{server.server_port}"
    mine = open_my_office(folder, url)
    server.app = mine.app
    with served(server):
        yield MySite(mine=mine, url=url)
    mine.close()
