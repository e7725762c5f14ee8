"""Each CKR_* of PKCS#11 2.40 (section 5.1) that a call of ours may return, its number, and the error it becomes.

A number that is not here, a vendor's own above all, becomes `Pkcs11Failed` and is shown in its detail.
"""

from typing import Final

from hsm_adapter.errors import DeviceCannot, KeyUnknown
from hsm_adapter.pkcs11.errors import (
    DataRefused,
    DeviceErrored,
    DeviceRemoved,
    FunctionFailed,
    KeyNotPermitted,
    LibraryUnusable,
    LoginForeign,
    MechanismRefused,
    MemoryShort,
    PinIncorrect,
    PinLocked,
    PinUnusable,
    Pkcs11Failed,
    SessionLost,
    SessionsExhausted,
    TemplateRefused,
    TokenReadOnly,
)
from trust.kernel.errors import TrustError

CKR_OK: Final = 0x000
CKR_USER_ALREADY_LOGGED_IN: Final = 0x100

ROWS: Final[tuple[tuple[int, str, type[TrustError]], ...]] = (
    (0x001, "CKR_CANCEL", FunctionFailed),
    (0x002, "CKR_HOST_MEMORY", MemoryShort),
    (0x003, "CKR_SLOT_ID_INVALID", DeviceRemoved),
    (0x005, "CKR_GENERAL_ERROR", DeviceErrored),
    (0x006, "CKR_FUNCTION_FAILED", FunctionFailed),
    (0x007, "CKR_ARGUMENTS_BAD", DataRefused),
    (0x009, "CKR_NEED_TO_CREATE_THREADS", LibraryUnusable),
    (0x00A, "CKR_CANT_LOCK", LibraryUnusable),
    (0x010, "CKR_ATTRIBUTE_READ_ONLY", TemplateRefused),
    (0x011, "CKR_ATTRIBUTE_SENSITIVE", KeyNotPermitted),
    (0x012, "CKR_ATTRIBUTE_TYPE_INVALID", TemplateRefused),
    (0x013, "CKR_ATTRIBUTE_VALUE_INVALID", TemplateRefused),
    (0x01B, "CKR_ACTION_PROHIBITED", DeviceCannot),
    (0x020, "CKR_DATA_INVALID", DataRefused),
    (0x021, "CKR_DATA_LEN_RANGE", DataRefused),
    (0x030, "CKR_DEVICE_ERROR", DeviceErrored),
    (0x031, "CKR_DEVICE_MEMORY", MemoryShort),
    (0x032, "CKR_DEVICE_REMOVED", DeviceRemoved),
    (0x050, "CKR_FUNCTION_CANCELED", FunctionFailed),
    (0x054, "CKR_FUNCTION_NOT_SUPPORTED", DeviceCannot),
    (0x060, "CKR_KEY_HANDLE_INVALID", KeyUnknown),
    (0x062, "CKR_KEY_SIZE_RANGE", TemplateRefused),
    (0x063, "CKR_KEY_TYPE_INCONSISTENT", KeyNotPermitted),
    (0x068, "CKR_KEY_FUNCTION_NOT_PERMITTED", KeyNotPermitted),
    (0x070, "CKR_MECHANISM_INVALID", MechanismRefused),
    (0x071, "CKR_MECHANISM_PARAM_INVALID", MechanismRefused),
    (0x082, "CKR_OBJECT_HANDLE_INVALID", KeyUnknown),
    (0x090, "CKR_OPERATION_ACTIVE", SessionLost),
    (0x091, "CKR_OPERATION_NOT_INITIALIZED", SessionLost),
    (0x0A0, "CKR_PIN_INCORRECT", PinIncorrect),
    (0x0A1, "CKR_PIN_INVALID", PinUnusable),
    (0x0A2, "CKR_PIN_LEN_RANGE", PinUnusable),
    (0x0A3, "CKR_PIN_EXPIRED", PinUnusable),
    (0x0A4, "CKR_PIN_LOCKED", PinLocked),
    (0x0B0, "CKR_SESSION_CLOSED", SessionLost),
    (0x0B1, "CKR_SESSION_COUNT", SessionsExhausted),
    (0x0B3, "CKR_SESSION_HANDLE_INVALID", SessionLost),
    (0x0B4, "CKR_SESSION_PARALLEL_NOT_SUPPORTED", LibraryUnusable),
    (0x0B5, "CKR_SESSION_READ_ONLY", TokenReadOnly),
    (0x0B6, "CKR_SESSION_EXISTS", LoginForeign),
    (0x0B7, "CKR_SESSION_READ_ONLY_EXISTS", LoginForeign),
    (0x0B8, "CKR_SESSION_READ_WRITE_SO_EXISTS", LoginForeign),
    (0x0D0, "CKR_TEMPLATE_INCOMPLETE", TemplateRefused),
    (0x0D1, "CKR_TEMPLATE_INCONSISTENT", TemplateRefused),
    (0x0E0, "CKR_TOKEN_NOT_PRESENT", DeviceRemoved),
    (0x0E1, "CKR_TOKEN_NOT_RECOGNIZED", DeviceRemoved),
    (0x0E2, "CKR_TOKEN_WRITE_PROTECTED", TokenReadOnly),
    (CKR_USER_ALREADY_LOGGED_IN, "CKR_USER_ALREADY_LOGGED_IN", LoginForeign),
    (0x101, "CKR_USER_NOT_LOGGED_IN", SessionLost),
    (0x102, "CKR_USER_PIN_NOT_INITIALIZED", PinUnusable),
    (0x103, "CKR_USER_TYPE_INVALID", LoginForeign),
    (0x104, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN", LoginForeign),
    (0x105, "CKR_USER_TOO_MANY_TYPES", LoginForeign),
    (0x120, "CKR_RANDOM_SEED_NOT_SUPPORTED", DeviceErrored),
    (0x121, "CKR_RANDOM_NO_RNG", DeviceErrored),
    (0x130, "CKR_DOMAIN_PARAMS_INVALID", TemplateRefused),
    (0x140, "CKR_CURVE_NOT_SUPPORTED", TemplateRefused),
    (0x150, "CKR_BUFFER_TOO_SMALL", DeviceErrored),
    (0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", SessionLost),
    (0x191, "CKR_CRYPTOKI_ALREADY_INITIALIZED", LibraryUnusable),
    (0x1A0, "CKR_MUTEX_BAD", LibraryUnusable),
    (0x1A1, "CKR_MUTEX_NOT_LOCKED", LibraryUnusable),
    (0x1B6, "CKR_FIPS_SELF_TEST_FAILED", DeviceErrored),
    (0x1B7, "CKR_LIBRARY_LOAD_FAILED", LibraryUnusable),
    (0x1B8, "CKR_PIN_TOO_WEAK", PinUnusable),
    (0x1B9, "CKR_PUBLIC_KEY_INVALID", TemplateRefused),
    (0x200, "CKR_FUNCTION_REJECTED", DeviceCannot),
    (0x201, "CKR_TOKEN_RESOURCE_EXCEEDED", MemoryShort),
    (0x203, "CKR_KEY_EXHAUSTED", KeyNotPermitted),
)
"""Number, name, error. The names are those of pkcs11t.h."""

NAMES: Final = {number: name for number, name, _ in ROWS}
NUMBERS: Final = {name: number for number, name, _ in ROWS}
_ERRORS: Final = {number: error for number, _, error in ROWS}


def failure(number: int) -> TrustError:
    """Return the error for a return value other than CKR_OK; it names the value as the vendor's manual does."""
    name = NAMES.get(number, f"{number:#010x}")
    return _ERRORS.get(number, Pkcs11Failed)(f"The device answered {name}.", ckr=number)
