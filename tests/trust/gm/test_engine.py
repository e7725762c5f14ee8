"""The choice of the engine, and the verify-only fallback forced into use."""

import ctypes.util
import logging

import pytest

from tests.trust.gm.published import E_VALUE, MESSAGE, MUST_REFUSE, PKCS8, POINT, SIGNATURE_DER, R, S
from trust.gm import encoding, engine, libcrypto, selftest, sm2
from trust.gm.errors import EngineFailed, EngineVerifyOnly, KeyUnusable, SignatureInvalid, SignatureMalformed
from trust.gm.fallback import GmsslEngine
from trust.gm.libcrypto import LibcryptoEngine, LibcryptoUnsuitable, library_names

ABSENT = "libcrypto-that-is-not-there.so.0"


@pytest.fixture
def verify_only(monkeypatch):
    """A process whose machine has no libcrypto with SM2."""
    monkeypatch.setattr(engine, "library_names", lambda: (ABSENT,))
    engine.current.cache_clear()
    yield engine.current()
    engine.current.cache_clear()


def working_name() -> str:
    for name in library_names():
        try:
            LibcryptoEngine(name)
        except LibcryptoUnsuitable:
            continue
        return name
    pytest.skip("no libcrypto 3 on this machine")


def test_libcrypto_is_chosen_where_it_is_and_said_in_the_log(caplog) -> None:
    name = working_name()
    with caplog.at_level(logging.INFO, logger="trust.gm.engine"):
        chosen = engine.choose((ABSENT, name))
    assert chosen.name == "libcrypto"
    assert chosen.private_operations
    assert chosen.version.startswith("OpenSSL ")
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert chosen.version in record.getMessage()
    assert chosen.location in record.getMessage()


def test_the_engine_is_chosen_once() -> None:
    assert engine.current() is engine.current()


def test_without_libcrypto_the_fallback_is_chosen_with_a_warning(caplog) -> None:
    with caplog.at_level(logging.INFO, logger="trust.gm.engine"):
        chosen = engine.choose((ABSENT,))
    assert isinstance(chosen, GmsslEngine)
    assert not chosen.private_operations
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "verify-only" in record.getMessage()
    assert ABSENT in record.getMessage()


def test_a_library_that_is_not_libcrypto_is_passed_over() -> None:
    name = ctypes.util.find_library("m")
    if name is None:
        pytest.skip("no libm under a name of its own on this platform")
    with pytest.raises(LibcryptoUnsuitable, match="cannot be loaded"):
        LibcryptoEngine(name)


class Altered:
    """A libcrypto with some functions replaced."""

    def __init__(self, lib, **replaced) -> None:
        self._lib = lib
        self._replaced = replaced

    def __getattr__(self, name):
        return self._replaced.get(name) or getattr(self._lib, name)


class AlteredFfi:
    def __init__(self, ffi, **replaced) -> None:
        self._ffi = ffi
        self._replaced = replaced

    def __getattr__(self, name):
        return getattr(self._ffi, name)

    def dlopen(self, name):
        return Altered(self._ffi.dlopen(name), **self._replaced)


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"OpenSSL_version_num": lambda: 0x1010117F}, "older than OpenSSL 3.0"),
        ({"EVP_PKEY_is_a": lambda *_: 0}, "built without SM2"),
        ({"d2i_PUBKEY": lambda *_: libcrypto._NULL}, "built without SM2"),
    ],
    ids=["too old", "curve but no algorithm", "no curve"],
)
def test_a_libcrypto_that_is_old_or_has_no_sm2_is_passed_over(monkeypatch, replaced, reason) -> None:
    name = working_name()
    monkeypatch.setattr(libcrypto, "_ffi", AlteredFfi(libcrypto._ffi, **replaced))
    with pytest.raises(LibcryptoUnsuitable, match=reason):
        LibcryptoEngine(name)
    assert engine.choose((name,)).name == "gmssl"


@pytest.mark.parametrize(
    ("function", "use"),
    [
        ("EVP_PKEY_verify_init", lambda e: e.load_public(POINT).verify_digest(E_VALUE, SIGNATURE_DER)),
        ("EVP_PKEY_verify", lambda e: e.load_public(POINT).verify_digest(E_VALUE, SIGNATURE_DER)),
        ("EVP_PKEY_encrypt_init", lambda e: e.load_public(POINT).encrypt(b"x")),
        ("EVP_PKEY_sign_init", lambda e: e.generate().sign_digest(E_VALUE)),
        ("EVP_PKEY_sign", lambda e: e.generate().sign_digest(E_VALUE)),
        ("EVP_PKEY_decrypt_init", lambda e: e.generate().decrypt(b"x")),
        ("EVP_PKEY_generate", lambda e: e.generate()),
        ("EVP_PKEY_get_octet_string_param", lambda e: e.generate()),
        ("EVP_PKEY_get_bn_param", lambda e: e.generate().scalar()),
        ("BN_bn2binpad", lambda e: e.generate().scalar()),
    ],
)
def test_a_failure_inside_libcrypto_is_our_fault_and_never_a_verdict(monkeypatch, function, use) -> None:
    name = working_name()
    monkeypatch.setattr(libcrypto, "_ffi", AlteredFfi(libcrypto._ffi, **{function: lambda *_: -1}))
    with pytest.raises(EngineFailed) as failure:
        use(LibcryptoEngine(name))
    assert failure.value.code == "crypto-engine-failed"


def test_an_encryption_that_fails_after_it_began_is_our_fault(monkeypatch) -> None:
    name = working_name()
    real = LibcryptoEngine(name)._lib.EVP_PKEY_encrypt
    monkeypatch.setattr(
        libcrypto,
        "_ffi",
        AlteredFfi(libcrypto._ffi, EVP_PKEY_encrypt=lambda ctx, out, *rest: 0 if out else real(ctx, out, *rest)),
    )
    with pytest.raises(EngineFailed):
        LibcryptoEngine(name).load_public(POINT).encrypt(b"x")


def test_where_the_loader_cannot_be_asked_the_name_stands_for_the_place(monkeypatch) -> None:
    name = working_name()

    class NoDladdr(AlteredFfi):
        def dlopen(self, name):
            if name is None:
                raise OSError
            return self._ffi.dlopen(name)

    monkeypatch.setattr(libcrypto, "_ffi", NoDladdr(libcrypto._ffi))
    assert LibcryptoEngine(name).location == name


def test_the_unversioned_library_is_never_tried_on_macos() -> None:
    assert all("libcrypto.3" in name for name in library_names("darwin"))
    assert library_names("linux")[0] == "libcrypto.so.3"
    assert library_names("win32")[0] == "libcrypto-3-x64.dll"


def test_the_fallback_verifies(verify_only) -> None:
    assert verify_only.name == "gmssl"
    key = sm2.PublicKey.from_point(POINT)
    key.verify(MESSAGE, SIGNATURE_DER)
    key.verify_digest(E_VALUE, SIGNATURE_DER)


def test_the_fallback_refuses_what_is_wrong(verify_only) -> None:
    key = sm2.PublicKey.from_point(POINT)
    with pytest.raises(SignatureInvalid):
        key.verify(MESSAGE + b".", SIGNATURE_DER)
    with pytest.raises(SignatureInvalid):
        key.verify_digest(E_VALUE, encoding.encode_signature(R, S - 1))
    for name in ("signature_s_zero", "signature_s_plus_n", "signature_trailing_byte"):
        with pytest.raises(SignatureMalformed):
            key.verify(MESSAGE, MUST_REFUSE[name])
    with pytest.raises(KeyUnusable):
        sm2.PublicKey.from_spki(MUST_REFUSE["spki_point_off_curve"])


def test_the_fallback_checks_for_itself_what_gmssl_does_not() -> None:
    bare = GmsslEngine()
    for point in (MUST_REFUSE["spki_point_off_curve"][-65:], POINT[1:], b"\x02" + POINT[1:33]):
        with pytest.raises(KeyUnusable):
            bare.load_public(point)
    with pytest.raises(SignatureMalformed):
        bare.load_public(POINT).verify_digest(E_VALUE, MUST_REFUSE["signature_s_plus_n"])
    with pytest.raises(SignatureInvalid):
        bare.load_public(POINT).verify_digest(E_VALUE[1:], SIGNATURE_DER)


def test_the_fallback_verifies_keys_that_its_library_would_mangle() -> None:
    keys = (sm2.PrivateKey.generate() for _ in range(500))
    key = next(key for key in keys if key.public_key.point[1] >> 4 in (0, 4))
    GmsslEngine().load_public(key.public_key.point).verify_digest(E_VALUE, key.sign_digest(E_VALUE))


@pytest.mark.parametrize(
    "use",
    [
        sm2.PrivateKey.generate,
        lambda: sm2.PrivateKey.from_pkcs8(PKCS8),
        lambda: sm2.PublicKey.from_point(POINT).encrypt(b"x"),
    ],
    ids=["generate", "load", "encrypt"],
)
def test_the_fallback_never_touches_a_private_key_or_a_plaintext(verify_only, use) -> None:
    with pytest.raises(EngineVerifyOnly) as refusal:
        use()
    assert refusal.value.code == "sm2-engine-verify-only"


def test_the_self_test_passes_on_the_fallback_and_says_what_it_is(verify_only) -> None:
    report = selftest.run()
    assert (report.engine, report.private_operations) == ("gmssl", False)
    assert "sm2 verify published" in report.checks
    assert not any("sign" in check or "decrypt" in check for check in report.checks)
