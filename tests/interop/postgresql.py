"""A private PostgreSQL cluster on a Unix socket, for one test session; PostgreSQL itself refuses to run as root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.interop.programs import identity, unprivileged
from trust.db import Database

USER = "yinxin"
_SECONDS = 120
_UNPRIVILEGED = ("postgres", "nobody")


def _programs() -> Path:
    """The folder of initdb and pg_ctl: on the path, or where Debian keeps the newest version."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    for folder in folders:
        if (folder / "pg_ctl").exists() and (folder / "initdb").exists():
            return folder
    pytest.skip("missing part: the PostgreSQL server, initdb and pg_ctl (Debian package postgresql)")


@contextmanager
def private_cluster() -> Iterator[str]:
    """Run a fresh cluster while the block runs; yields the SQLAlchemy address of its one empty database.

    Its folder lies directly in the folder for temporary files: another account must reach it, and the path of a
    Unix socket is limited to 107 bytes.
    """
    programs, account = _programs(), unprivileged(*_UNPRIVILEGED)
    folder = Path(tempfile.mkdtemp(prefix="yinxin-postgresql-"))
    try:
        os.chown(folder, account.pw_uid, account.pw_gid)

        def as_account(program: str, *arguments: str) -> None:
            log = folder / f"{program}.log"  # a file, not a pipe: the server inherits it and never closes it
            with log.open("wb") as output:
                done = subprocess.run(
                    [programs / program, "-D", folder / "data", *arguments],
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=_SECONDS,
                    **identity(account),
                )
            assert done.returncode == 0, log.read_text("utf-8", "replace")

        as_account("initdb", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-sync")
        # Durability is not what is tested: without it a cluster starts and stops in a second.
        server = f"-k {folder} -c listen_addresses='' -c fsync=on"
        as_account("pg_ctl", "start", "--wait", "--silent", f"--log={folder / 'server.log'}", f"--options={server}")
        try:
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            as_account("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


@contextmanager
def database_in(cluster: str, name: str) -> Iterator[str]:
    """Yield the address of an empty database of the cluster, which goes when the block ends."""
    server = Database(cluster)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    try:
        yield make_url(cluster).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.close()
