"""What every device promises, and what a guard over it promises; new devices join `backends.BACKENDS`."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hsm_adapter.api import Custodian, KeyDevice
from hsm_adapter.errors import KeyRetired, KeyUnknown, LabelInvalid
from hsm_adapter.guard import GuardedSigner
from tests.fakes import FixedClock, MemoryRecorder
from tests.hsm_adapter.backends import BACKENDS, Backend
from tests.hsm_adapter.building import request
from tests.hsm_adapter.sdf.building import build_library
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError
from trust.keys import KeyCustodian, KeyInfo, KeyPurpose, KeyRef, KeyState, Signer, UseOutcome
from trust.signatures import verify

PAIRS = [(name, algorithm) for name, (_, algorithms) in BACKENDS.items() for algorithm in algorithms]
Open = Callable[[str], Backend]


@dataclass
class Case:
    """A backend and a key of it."""

    backend: Backend
    key: KeyInfo

    @property
    def device(self) -> KeyDevice:
        return self.backend.device

    def guard(self, recorder: MemoryRecorder) -> GuardedSigner:
        return GuardedSigner(self.device, recorder, FixedClock())


@pytest.fixture(scope="session")
def library_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    built: list[Path] = []

    def of(name: str) -> Path:
        if name == "sdf" and not built:
            built.append(build_library(tmp_path_factory.mktemp("contract")))
        return built[0] if built else Path()

    return of


@pytest.fixture
def opened(tmp_path: Path, library_of: Callable[[str], Path]) -> Iterator[Open]:
    made: list[Backend] = []

    def open_backend(name: str) -> Backend:
        made.append(BACKENDS[name][0](tmp_path, library_of(name)))
        return made[-1]

    yield open_backend
    for backend in made:
        for close in backend.close:
            close()


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest, opened: Open) -> Backend:
    return opened(request.param)


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def case(request: pytest.FixtureRequest, opened: Open) -> Case:
    name, algorithm = request.param
    backend = opened(name)
    return Case(backend, backend.make(algorithm, KeyPurpose.SEALING, "食品 seal"))


@pytest.fixture(params=list(BACKENDS))
def first(request: pytest.FixtureRequest, opened: Open) -> Case:
    """Each backend with a key of its first algorithm."""
    backend = opened(request.param)
    return Case(backend, backend.make(BACKENDS[request.param][1][0], KeyPurpose.SEALING, "seal"))


def refused(case: Case, call: Callable[[GuardedSigner], object], count: int) -> str:
    """The code of a refusal, which is recorded for each message; nothing else is."""
    recorder = MemoryRecorder()
    with pytest.raises(TrustError) as caught:
        call(case.guard(recorder))
    assert [(use.outcome, use.reason) for use in recorder.uses] == [(UseOutcome.REFUSED, caught.value.code)] * count
    return caught.value.code


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(TrustError) as caught:
        call()
    return caught.value.code


def test_a_made_key_is_described(case: Case) -> None:
    key = case.key
    assert (key.purpose, key.label, key.state) == (KeyPurpose.SEALING, "食品 seal", KeyState.ACTIVE)
    assert case.device.info(key.ref) == key
    assert list(case.device.keys()) == [key]


def test_keys_are_listed_oldest_first(first: Case) -> None:
    made = [
        first.key,
        *(first.backend.make(first.key.algorithm, KeyPurpose.SEALING, str(number)) for number in range(4)),
    ]
    listed = list(first.device.keys())
    assert {info.ref for info in listed} == {info.ref for info in made}
    assert listed == sorted(listed, key=lambda info: (info.created_at, info.ref))
    assert len({info.public_key for info in made}) == 5


def test_a_batch_is_signed_in_order(case: Case) -> None:
    messages = [b"", b"one", b"two" * 1000, *(bytes([number]) for number in range(20))]
    values = case.device.sign_batch(case.key.ref, messages)
    assert len(values) == len(messages)
    for message, value in zip(messages, values, strict=True):
        verify(case.key.algorithm, case.key.public_key, message, value)
    assert list(case.device.sign_batch(case.key.ref, [])) == []


@pytest.mark.parametrize("ref", ["01" * 13, "01UNKNOWN", "", "../token", "token", "TOKEN", "x" * 65, "a/b", "键"])
def test_an_unknown_key_is_refused(backend: Backend, ref: str) -> None:
    for call in (
        lambda: backend.device.info(KeyRef(ref)),
        lambda: backend.device.sign_batch(KeyRef(ref), [b"x"]),
        lambda: backend.device.retire(KeyRef(ref)),
    ):
        with pytest.raises(KeyUnknown) as caught:
            call()
        assert caught.value.code == "key-unknown"


def test_a_retired_key_stays_known_and_signs_no_more(case: Case) -> None:
    retired = case.device.retire(case.key.ref)
    assert (retired.state, retired.public_key) == (KeyState.RETIRED, case.key.public_key)
    assert case.device.info(case.key.ref) == retired == case.device.retire(case.key.ref)
    with pytest.raises(KeyRetired) as caught:
        case.device.sign_batch(case.key.ref, [b"x"])
    assert caught.value.code == "key-retired"


@pytest.mark.parametrize("label", ["", "x" * 101, "two\nlines"])
def test_a_label_is_one_printable_line(first: Case, label: str) -> None:
    with pytest.raises(LabelInvalid) as caught:
        first.backend.make(first.key.algorithm, KeyPurpose.SEALING, label)
    assert caught.value.code == "key-label-invalid"
    assert list(first.device.keys()) == [first.key]


def test_a_label_at_the_limit_is_taken(first: Case) -> None:
    first.backend.make(first.key.algorithm, KeyPurpose.SEALING, "x" * 100)


def test_a_working_device_is_ready(first: Case) -> None:
    first.device.check()


def test_the_custodian_makes_and_retires_but_cannot_sign(first: Case) -> None:
    custodian: KeyCustodian = Custodian(first.device)
    assert list(custodian.keys()) == [first.key]
    assert custodian.retire(first.key.ref).state is KeyState.RETIRED
    assert not any("sign" in name for name in dir(custodian))


def test_no_method_of_a_device_returns_private_bytes(backend: Backend) -> None:
    names = {name for name in dir(backend.device) if not name.startswith("_")}
    assert names == {"keys", "info", "generate", "retire", "sign_batch", "check"}


def test_the_guard_signs_as_the_device_does(case: Case) -> None:
    guard: Signer = case.guard(MemoryRecorder())
    signature = guard.sign(case.key.ref, request(b"message"), purpose=KeyPurpose.SEALING)
    verify(case.key.algorithm, case.key.public_key, b"message", signature.value)
    assert (signature.key, signature.algorithm, signature.ledger_index) == (case.key.ref, case.key.algorithm, 0)
    assert guard.describe(case.key.ref) == case.key
    guard.check()


@pytest.mark.parametrize("name", [name for name, algorithm in PAIRS if algorithm is Algorithm.ECDSA_P256_SHA256])
def test_a_p256_signature_verifies_with_openssl(opened: Open, name: str, tmp_path: Path) -> None:
    backend = opened(name)
    key = backend.make(Algorithm.ECDSA_P256_SHA256, KeyPurpose.TOKEN_SIGNING, "tokens")
    (tmp_path / "key.der").write_bytes(key.public_key)
    (tmp_path / "message").write_bytes(b"header.payload")
    (tmp_path / "signature").write_bytes(backend.device.sign_batch(key.ref, [b"header.payload"])[0])
    command = ["openssl", "dgst", "-sha256", "-verify", "key.der", "-keyform", "DER", "-signature", "signature"]
    done = subprocess.run([*command, "message"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout == b"Verified OK\n"


@pytest.mark.parametrize("signed", [0, 1, 9])
def test_a_device_that_goes_in_the_middle_of_a_batch_releases_none_of_it(first: Case, signed: int) -> None:
    first.backend.unplug_after(signed)
    asked = [request(bytes([number])) for number in range(20)]
    code = refused(first, lambda guard: guard.sign_many(first.key.ref, asked, purpose=KeyPurpose.SEALING), 20)
    assert code == first.backend.gone


def test_a_wrong_signature_is_not_released_and_hardware_that_made_it_is_out_of_service(first: Case) -> None:
    first.backend.lie()

    def sign(guard: GuardedSigner) -> object:
        return guard.sign(first.key.ref, request(b"x"), purpose=KeyPurpose.SEALING)

    assert refused(first, sign, 1) == "self-verification-failed"
    again = "key-devices-out-of-service" if first.backend.in_pool else "self-verification-failed"
    assert refused(first, sign, 1) == again
    if first.backend.in_pool:
        assert code_of(first.device.check) == again


def test_a_wrong_pin_is_named_and_hardware_is_not_asked_again(first: Case) -> None:
    def sign() -> object:
        return first.backend.with_wrong_pin().sign_batch(first.key.ref, [b"x"])

    assert code_of(sign) == first.backend.wrong_pin
    assert code_of(sign) == ("key-devices-out-of-service" if first.backend.in_pool else first.backend.wrong_pin)


@pytest.mark.parametrize("name", [name for name in BACKENDS if name != "software"])
def test_a_device_that_hangs_is_given_up_within_its_time(opened: Open, name: str) -> None:
    backend = opened(name)
    key = backend.make(BACKENDS[name][1][0], KeyPurpose.SEALING, "seal")
    case = Case(backend, key)
    assert backend.hang is not None
    with backend.hang():
        code = refused(case, lambda guard: guard.sign(key.ref, request(b"x"), purpose=KeyPurpose.SEALING), 1)
        assert code == backend.hung
    with suppress(TrustError):  # the session that hung may still be on its way out
        backend.device.sign_batch(key.ref, [b"x"])
    (value,) = backend.device.sign_batch(key.ref, [b"x"])
    verify(key.algorithm, key.public_key, b"x", value)
