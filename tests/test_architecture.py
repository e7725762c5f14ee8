"""The house stands as docs/design.md draws it."""

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portal.exits import exit_code_of
from portal.reference import PACKAGES, error_classes, pages
from trust.http.problems import status_of_class
from trust.kernel import errors

ROOT = Path(__file__).resolve().parent.parent
# Each native or vendor library is imported by the modules named here and by no other (docs/design.md section 3).
LIBRARY_HOMES = {
    "alembic": ("trust.migrations",),
    "authlib": ("sso.provider", "portal.demo.relying"),
    "cffi": ("trust.gm.libcrypto", "hsm_adapter.sdf.library", "hsm_adapter.pkcs11.binding"),
    "granian": ("portal.serve",),
    "gmssl": ("trust.gm.fallback",),
    "joserfc": ("sso.provider", "sso.keycloak", "portal.demo.relying"),
    "keycloak": ("sso.keycloak",),
    "nacl": ("trust.sealing", "hsm_adapter", "sso.signin.passwords", "portal.bench"),
    "obstore": ("trust.files",),
    "pikepdf": ("seals",),
    "pyhanko": ("trust.formats", "seals", "verifier"),
    "pyhanko_certvalidator": ("trust.formats", "seals", "verifier"),
    "pkcs11": ("hsm_adapter.pkcs11.binding",),
    "pyotp": ("sso.signin.totp", "portal.demo.trust"),
    "pypdfium2": ("trust.raster",),
    "shamir_mnemonic": ("hsm_adapter.ceremony",),
    "sqlalchemy": (
        *("trust.db", "trust.prepared", "trust.upserts", "trust.migrations", "trust.ledger", "trust.authority"),
        *("hsm_adapter.policy.store", "seals", "certs", "sso"),
    ),
    "typst": ("trust.typesetting",),
    "webauthn": ("sso.signin.passkeys",),
    "zxcvbn": ("sso.signin.passwords",),
    "zxingcpp": ("trust.formats.qr",),
}
FAMILIES = (
    errors.InternalFault,
    errors.MalformedInput,
    errors.InvalidInput,
    errors.TooLarge,
    errors.NotAuthenticated,
    errors.NotAllowed,
    errors.NotFound,
    errors.Conflict,
    errors.RateLimited,
    errors.Unavailable,
    errors.NotReady,
)


def test_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_imported_from_this_tree_and_from_no_foreign_distribution(package):
    module = importlib.import_module(package)
    assert Path(module.__file__).is_relative_to(ROOT)
    assert set(importlib.metadata.packages_distributions().get(package, [])) <= {"yinxin-trust-service"}


def test_every_error_class_belongs_to_exactly_one_family_and_has_a_status_and_an_exit_code():
    for error in error_classes():
        if error is errors.TrustError:
            continue
        assert sum(issubclass(error, family) for family in FAMILIES) == 1, error
        assert 400 <= status_of_class(error) <= 599
        assert exit_code_of(error) in {3, 4, 5, 70}


def test_an_error_code_means_one_thing():
    seen = {}
    for error in error_classes():
        own = "code" in vars(error)
        if own:
            assert seen.setdefault(error.code, error) is error, f"{error} and {seen[error.code]} share {error.code}"


def test_errors_speak_both_languages():
    for error in error_classes():
        assert error.title.endswith(".")
        assert any("一" <= character <= "鿿" for character in error.title_zh), error
        if "title" in vars(error):
            assert "title_zh" in vars(error), error
        if "remedy" in vars(error):
            assert "remedy_zh" in vars(error), error


def test_the_reference_pages_are_up_to_date():
    for path, text in pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run `make format`"


def test_no_module_is_longer_than_350_lines():
    long = [
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "versions" not in path.parts and len(path.read_text("utf-8").splitlines()) > 350
    ]
    assert long == []


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


def test_each_library_is_imported_only_where_it_lives():
    strays = [
        f"{module} imports {library}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for library in _imports(path)
        for module in [".".join(path.relative_to(ROOT).with_suffix("").parts)]
        if library in LIBRARY_HOMES and not module.startswith(LIBRARY_HOMES[library])
    ]
    assert strays == []


def test_devices_and_guard_are_opened_in_one_place():
    opens = re.compile(
        r"^\s*from hsm_adapter\.(guard|software|pkcs11|sdf|profiles|pool\.pool|note_key)\b|\bopen_keys\(", re.MULTILINE
    )
    homes = {
        module
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for module in [".".join(path.relative_to(ROOT).with_suffix("").parts)]
        if package != "hsm_adapter" and opens.search(path.read_text("utf-8"))
    }
    assert homes == {"portal.foundation", "portal.bench.guarded"}


def test_sqlalchemy_stays_in_stores():
    for package in ("trust.ledger", "trust.authority", "seals", "certs", "sso"):
        for path in (ROOT / package.replace(".", "/")).rglob("*.py"):
            if "sqlalchemy" in set(_imports(path)):
                assert "store" in path.relative_to(ROOT).with_suffix("").parts, path
