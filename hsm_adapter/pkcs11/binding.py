"""The binding to a vendor's Cryptoki library: the only importer of python-pkcs11 (0.10). Two things it does itself.

* python-pkcs11 calls C_Initialize(NULL), by which a program promises to use one thread only (section 5.4); SoftHSM then
  drops its locks and crashes under two. It is called here instead, with CKF_OS_LOCKING_OK, before python-pkcs11 sees
  the library. C_Login is called here as well: python-pkcs11 logs in only while it opens a session, loses that session
  when the user is logged in already, and logs all sessions out when it closes the one that logged in.
* python-pkcs11 knows no vendor's mechanisms. A member is made for a number that its enumeration lacks.

A library is initialised once per process. Many recover from a lost device only by C_Finalize and C_Initialize: that is
done when a token does not answer and no session of this process is open in the library, so that no other token of it is
disturbed. Its state does not survive fork (section 5.4): in a child of a process that initialised it, every call is
refused. Each C call releases the GIL.
"""

import os
import re
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from cffi import FFI
from pkcs11 import _pkcs11, exceptions
from pkcs11.attributes import AttributeMapper
from pkcs11.constants import Attribute
from pkcs11.mechanisms import KeyType, Mechanism
from typing_extensions import override

from hsm_adapter.pkcs11.cryptoki import CKA_KEY_TYPE, KeyObject, Session, Template, TokenFlags, TokenInfo
from hsm_adapter.pkcs11.errors import DeviceRemoved, KeyNotPermitted, LibraryUnusable, Pkcs11Failed, UsedAcrossFork
from hsm_adapter.pkcs11.profile import Pkcs11Profile, TokenName
from hsm_adapter.pkcs11.return_values import CKR_OK, CKR_USER_ALREADY_LOGGED_IN, NUMBERS, failure
from trust.kernel.errors import TrustError

_Answer = TypeVar("_Answer")
_Member = TypeVar("_Member", bound=IntEnum)
_log = structlog.get_logger("hsm_adapter.pkcs11")

_ffi = FFI()
_ffi.cdef("""
typedef unsigned long CK_ULONG;
typedef struct {
  void *CreateMutex, *DestroyMutex, *LockMutex, *UnlockMutex; CK_ULONG flags; void *pReserved;
} CK_C_INITIALIZE_ARGS;
typedef struct {
  unsigned char major, minor;
  CK_ULONG (*C_Initialize)(CK_C_INITIALIZE_ARGS *);
  CK_ULONG (*C_Finalize)(void *);
  void *from_C_GetInfo_to_C_SetOperationState[16];
  CK_ULONG (*C_Login)(CK_ULONG session, CK_ULONG user, const unsigned char *pin, CK_ULONG length);
} CK_FUNCTION_LIST;
CK_ULONG C_GetFunctionList(CK_FUNCTION_LIST **);
""")
_CKF_OS_LOCKING_OK: Final = 0x2
_CKU_USER: Final = 1
_ALREADY_INITIALIZED: Final = NUMBERS["CKR_CRYPTOKI_ALREADY_INITIALIZED"]
_BITS_PER_BYTE: Final = 8

_OTHER_NAMES: Final = {
    "AnotherUserAlreadyLoggedIn": "CKR_USER_ANOTHER_ALREADY_LOGGED_IN",
    "FunctionCancelled": "CKR_FUNCTION_CANCELED",
    "RandomNoRNG": "CKR_RANDOM_NO_RNG",
    "SessionReadWriteSOExists": "CKR_SESSION_READ_WRITE_SO_EXISTS",
    "SlotIDInvalid": "CKR_SLOT_ID_INVALID",
    "TokenNotRecognised": "CKR_TOKEN_NOT_RECOGNIZED",
}
_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")
_UNMAPPED: Final = re.compile(r"Unmapped error code (0x[0-9a-f]+)")
_NEEDED_BY_LIBRARY: Final = frozenset(
    {
        Attribute.CLASS,
        Attribute.ENCRYPT,
        Attribute.DECRYPT,
        Attribute.SIGN,
        Attribute.VERIFY,
        Attribute.WRAP,
        Attribute.UNWRAP,
        Attribute.DERIVE,
        Attribute.ENCAPSULATE,
        Attribute.DECAPSULATE,
    }
)


def ckr_name(error: type[Exception]) -> str:
    """Return the CKR_* that a class of python-pkcs11 stands for."""
    name = error.__name__
    return _OTHER_NAMES.get(name) or f"CKR_{_WORD.sub('_', name).upper()}"


def _error_of(error: exceptions.PKCS11Error) -> TrustError:
    number = NUMBERS.get(ckr_name(type(error)))
    if number is not None:
        return failure(number)
    unmapped = _UNMAPPED.match(str(error))
    if unmapped:
        return failure(int(unmapped.group(1), 16))
    if "not initialized" in str(error):
        return failure(NUMBERS["CKR_CRYPTOKI_NOT_INITIALIZED"])
    return Pkcs11Failed(f"The device answered {type(error).__name__}.")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exceptions.PKCS11Error as error:
        raise _error_of(error) from None


def _member(kind: type[_Member], number: int) -> _Member:
    """Return the member for a number, a nameless one for a vendor's: only its class and its value are looked at."""
    try:
        return kind(number)
    except ValueError:
        member = int.__new__(kind, number)
        member._name_ = f"VENDOR_{number:#x}"
        member._value_ = number
        return member


class _RawAttributes(AttributeMapper):
    """Bytes in, bytes out, and no attribute in a template that we did not put there."""

    @override
    def pack_attribute(self, key: Attribute, value: Any) -> bytes:
        return value if isinstance(value, bytes) else super().pack_attribute(key, value)

    @override
    def unpack_attributes(self, key: Attribute, value: bytes) -> Any:
        if key in _NEEDED_BY_LIBRARY:
            return super().unpack_attributes(key, value)
        if key == CKA_KEY_TYPE:
            return _member(KeyType, struct.unpack("L", value)[0])
        return bytes(value)

    @override
    def public_key_template(self, **_: Any) -> dict[Attribute, Any]:
        return {}

    @override
    def private_key_template(self, **_: Any) -> dict[Attribute, Any]:
        return {}


class _Library:
    """A loaded and initialised library."""

    def __init__(self, path: Path) -> None:
        self.pid = os.getpid()
        self._name = path.name
        try:
            self._native = _ffi.dlopen(str(path))  # kept: python-pkcs11 would unload what nobody else holds
            functions = _ffi.new("CK_FUNCTION_LIST **")
            answer = self._native.C_GetFunctionList(functions)
        except (OSError, AttributeError) as error:
            raise LibraryUnusable(f"The library {path.name} cannot be loaded.", reason=str(error)) from None
        if answer != CKR_OK:
            raise LibraryUnusable(f"The library {path.name} has no functions.", ckr=answer)
        self._functions = functions[0]
        self._gate = threading.Lock()
        self._users = 0
        self._initialise()
        with _translated():
            # Not `pkcs11.lib(...)`: its initialiser is the call of C_Initialize that must not happen.
            self.wrapped: Any = _pkcs11.lib.__new__(_pkcs11.lib, str(path))  # type: ignore[call-arg]

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep the library as it is while something of it is in use: a call, or a session."""
        with self._gate:
            self._users += 1
        try:
            yield
        finally:
            with self._gate:
                self._users -= 1

    def restart(self) -> bool:
        """Finalise and initialise the library; False, and nothing is done, while something of it is in use."""
        with self._gate:
            if self._users:
                return False
            self._functions.C_Finalize(_ffi.NULL)
            self._initialise()
        _log.warning("pkcs11_library_restarted", library=self._name)
        return True

    def _initialise(self) -> None:
        arguments = _ffi.new("CK_C_INITIALIZE_ARGS *", {"flags": _CKF_OS_LOCKING_OK})
        answer = self._functions.C_Initialize(arguments)
        if answer not in (CKR_OK, _ALREADY_INITIALIZED):
            why = f"The library {self._name} does not initialise: {failure(answer).detail}"
            raise LibraryUnusable(why, ckr=answer)

    def login(self, session: int, pin: bytes) -> None:
        answer = self._functions.C_Login(session, _CKU_USER, pin, len(pin))
        if answer not in (CKR_OK, CKR_USER_ALREADY_LOGGED_IN):
            raise failure(answer)


_libraries: Final[dict[Path, _Library]] = {}
_loading: Final = threading.Lock()


def _library(path: Path) -> _Library:
    with _loading:
        library = _libraries.get(path)
        if library is None:
            library = _libraries[path] = _Library(path)
    if library.pid != os.getpid():
        raise UsedAcrossFork
    return library


class NativeCryptoki:
    """A `Cryptoki` over a vendor's library. Nothing is loaded before the first call."""

    def __init__(self, profile: Pkcs11Profile) -> None:
        self._profile = profile

    def token(self) -> TokenInfo:
        """Return what C_GetTokenInfo says now. Raises `DeviceRemoved`, `LibraryUnusable`, `UsedAcrossFork`."""
        return self._tried(lambda library: self._find(library)[1])

    def open(self, *, writing: bool) -> Session:
        """Open a session; only one for writing can make and destroy keys."""
        return self._tried(lambda library: self._open(library, writing=writing))

    def _tried(self, call: Callable[[_Library], _Answer]) -> _Answer:
        library = _library(self._profile.library)
        try:
            return call(library)
        except Pkcs11Failed as error:
            if not error.ends_sessions or not self._profile.quirks.restarts_library or not library.restart():
                raise
        return call(library)

    def _open(self, library: _Library, *, writing: bool) -> Session:
        with ExitStack() as stack:
            stack.enter_context(library.used())
            token, _ = self._find(library)
            with _translated():
                session = token.open(rw=writing, attribute_mapper=_RawAttributes())
            return _NativeSession(library, session, stack.pop_all())

    def _find(self, library: _Library) -> tuple[Any, TokenInfo]:
        """Look through all slots; a token that does not answer is of interest only if ours is not among the others."""
        found = []
        silent: exceptions.PKCS11Error | None = None
        with library.used(), _translated():
            for slot in library.wrapped.get_slots(token_present=True):
                try:
                    token = slot.get_token()
                except (exceptions.TokenNotPresent, exceptions.TokenNotRecognised):
                    continue
                except exceptions.PKCS11Error as error:
                    silent = error
                    continue
                info = _info(token)
                if _is_meant(self._profile.token, slot.slot_id, info):
                    found.append((token, info))
            if silent is not None and not found:
                raise silent
        if len(found) != 1:
            many = "More than one token answers to the name in the profile; add token_serial or slot."
            raise DeviceRemoved(many if found else "No token answers to the name in the profile.")
        return found[0]


def _info(token: Any) -> TokenInfo:
    serial = token.serial.decode("ascii", "replace").strip(" \0")
    return TokenInfo(label=token.label.rstrip(" \0"), serial=serial, flags=TokenFlags(int(token.flags)))


def _is_meant(name: TokenName, slot: int, info: TokenInfo) -> bool:
    pairs = ((name.label, info.label), (name.serial, info.serial), (name.slot, slot))
    return all(wanted is None or wanted == found for wanted, found in pairs)


class _NativeSession:
    """A `Session`: python-pkcs11's, opened without a log-in of its own."""

    def __init__(self, library: _Library, session: Any, use: ExitStack) -> None:
        self._library = library
        self._session = session
        self._use = use

    def login(self, pin: bytes) -> None:
        self._library.login(self._session.handle, pin)

    def find(self, template: Template) -> Sequence[KeyObject]:
        with _translated():
            return list(self._session.get_objects(dict(template)))

    def read(self, key: KeyObject, attribute: int) -> bytes | None:
        with _translated():
            try:
                value = key[attribute]
            except (exceptions.AttributeTypeInvalid, exceptions.AttributeSensitive, exceptions.FunctionFailed):
                return None
        if isinstance(value, bool):
            return bytes((value,))
        return value if isinstance(value, bytes) else struct.pack("L", value)

    def generate(self, mechanism: int, public: Template, private: Template) -> tuple[KeyObject, KeyObject]:
        with _translated():
            # The key type given here only chooses defaults, of which our templates and mechanism leave none.
            made: tuple[KeyObject, KeyObject] = self._session.generate_keypair(
                KeyType.EC,
                capabilities=0,
                mechanism=_member(Mechanism, mechanism),
                public_template=dict(public),
                private_template=dict(private),
            )
            return made

    def sign(self, key: KeyObject, mechanism: int, data: bytes) -> bytes:
        if not hasattr(key, "sign"):  # python-pkcs11 reads CKA_SIGN when it finds a key
            raise KeyNotPermitted("The key has no CKA_SIGN.")
        with _translated():
            return bytes(key.sign(data, mechanism=_member(Mechanism, mechanism)))

    def destroy(self, key: KeyObject) -> None:
        with _translated():
            key.destroy()

    def random(self, size: int) -> bytes:
        with _translated():
            return bytes(self._session.generate_random(size * _BITS_PER_BYTE))

    def close(self) -> None:
        with self._use, _translated():
            self._session.close()
