"""A certificate library that issues real pages of specimen data, drawn once."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from certs.service import CertificateService
from tests.certs.pages import page_of, renderer
from tests.certs.world import FakeRenderer
from tests.certs.world import World as Library
from trust.db import Base, Database


@cache
def pdf(code: str) -> bytes:
    return renderer().render(page_of(code))


@cache
def empty_database() -> bytes:
    """Return a database with every table, made once: making it takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.sqlite3"
        database = Database(f"sqlite:///{path}")
        Base.metadata.create_all(database.engine)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return path.read_bytes()


class PdfRenderer(FakeRenderer):
    """Draws real pages of specimen data; the verifier is told which identifier it is."""

    def __init__(self, library: Library) -> None:
        super().__init__(library.hooks)
        self._library = library

    def render(self, values):
        self._library.verifier.identifier = values.identifier.value
        return pdf(values.face.type_code)


class RealLibrary(Library):
    def build(self) -> CertificateService:
        service = super().build()
        service._issuing._workshop = replace(service._workshop, renderer=PdfRenderer(self))
        return service
