"""Debian's Apache with mod_auth_openidc as a relying party: a private server root, a free port, no privileges.

`/protected/` needs a sign-in and shows what the module passes on of it; `/out.txt` is open to all.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import pytest

from tests.interop.programs import identity, unprivileged

MODULES = Path("/usr/lib/apache2/modules")
CLAIMS = ("sub", "name", "acr", "ial", "sid")
_SECONDS = 20
_PAUSE_SECONDS = 0.05
_LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "mime", "include", "auth_openidc")
_CONFIGURATION = """
ServerRoot {root}
DefaultRuntimeDir {root}
PidFile {root}/pid
Mutex file:{root}
Listen 127.0.0.1:{port}
ServerName 127.0.0.1:{port}
ErrorLog {root}/error.log
LogLevel warn
StartServers 1
ThreadsPerChild 8
DocumentRoot {root}/pages
AddOutputFilter INCLUDES .shtml
AddDefaultCharset utf-8
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client}
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/protected/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile"
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRemoteUserClaim sub
OIDCPassClaimsAs environment
OIDCSessionInactivityTimeout 300
<Location /protected>
  AuthType openid-connect
  Require valid-user
</Location>
<Directory {root}/pages>
  Options +Includes
  Require all granted
</Directory>
"""


def check_present() -> None:
    """Skip, naming what is missing."""
    if shutil.which("apache2") is None:
        pytest.skip("missing part: apache2 (Debian package apache2)")
    if not (MODULES / "mod_auth_openidc.so").exists():
        pytest.skip("missing part: mod_auth_openidc (Debian package libapache2-mod-auth-openidc)")


@dataclass(frozen=True, kw_only=True)
class Site:
    """What is registered of the site, and where its pages are."""

    port: int
    issuer: str
    client: str
    secret: str

    @property
    def address(self) -> str:
        return address_of(self.port)


def address_of(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def addresses(port: int) -> dict[str, object]:
    """Return what is registered for a site that will listen on `port`."""
    callback = f"{address_of(port)}/protected/callback"
    return {
        "redirect_uris": (callback,),
        "post_logout_redirect_uris": (f"{address_of(port)}/out.txt",),
        "backchannel_logout_uri": f"{callback}?logout=backchannel",
    }


@contextmanager
def running(site: Site) -> Iterator[None]:
    """Run Apache while the block runs.

    Its folder lies directly in the folder for temporary files, where another account reaches it.
    """
    account = unprivileged("www-data", "nobody")
    root = Path(tempfile.mkdtemp(prefix="yinxin-apache-"))
    try:
        _lay_out(root, site)
        for path in (root, *root.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
        process = subprocess.Popen(
            ["apache2", "-d", root, "-f", root / "apache.conf", "-DFOREGROUND"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=root,
            **identity(account),
        )
        try:
            _await(process, site.port, root / "error.log")
            yield
        finally:
            process.terminate()
            process.wait(_SECONDS)
    finally:
        shutil.rmtree(root)


def _lay_out(root: Path, site: Site) -> None:
    pages = root / "pages"
    (pages / "protected").mkdir(parents=True)
    (pages / "out.txt").write_text("out")
    shown = "".join(f'{name}=<!--#echo encoding="none" var="OIDC_CLAIM_{name}" -->\n' for name in CLAIMS)
    (pages / "protected" / "claims.shtml").write_text(f'user=<!--#echo var="REMOTE_USER" -->\n{shown}')
    loaded = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in _LOADED)
    configuration = _CONFIGURATION.format(
        root=root,
        port=site.port,
        issuer=site.issuer,
        client=site.client,
        secret=site.secret,
        passphrase=secrets.token_urlsafe(32),
    )
    (root / "apache.conf").write_text(f"{loaded}TypesConfig /etc/mime.types\n{configuration}")


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8", "replace") if log.exists() else process.returncode
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            pause.wait(_PAUSE_SECONDS)
        else:
            return
    pytest.fail(f"Apache did not listen within {_SECONDS} s")
