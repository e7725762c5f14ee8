"""What a PKCS#11 device answers, as errors of this service; `return_values` says which CKR_* is which."""

from typing import ClassVar

from hsm_adapter.errors import DeviceAccessRefused, DeviceFailed, DeviceUnresponsive
from trust.kernel.errors import InvalidInput


class Pkcs11ProfileInvalid(InvalidInput):
    """A table of the devices file does not describe a PKCS#11 device."""

    code = "pkcs11-profile-invalid"
    title = "The profile of the PKCS#11 device cannot be used."
    title_zh = "PKCS#11 设备配置不可用。"
    remedy = "Correct the named entry; docs/pkcs11.md lists all of them."
    remedy_zh = "请更正所指配置项；docs/pkcs11.md 列出全部配置项。"


class Pkcs11Failed(DeviceFailed):
    """The device answered with a return value that stands in no more telling class."""

    code = "pkcs11-failed"
    title = "The PKCS#11 device refused a call."
    title_zh = "PKCS#11 密码设备拒绝了调用。"
    remedy = "Look up the return value in the detail in the vendor's manual; the device's own log may say more."
    remedy_zh = "请根据详情中的返回值查阅厂商手册；设备自身日志可能有更多信息。"
    ends_sessions: ClassVar[bool] = False


class LibraryUnusable(Pkcs11Failed):
    """The library of the profile cannot be loaded or does not initialise."""

    code = "pkcs11-library-unusable"
    title = "The PKCS#11 library cannot be loaded or initialised."
    title_zh = "PKCS#11 库无法加载或初始化。"
    remedy = "Check the profile's library path, the vendor's configuration and that the account may read both."
    remedy_zh = "请检查配置中的库路径、厂商配置文件及服务账号的读取权限。"
    retryable = False


class UsedAcrossFork(Pkcs11Failed):
    """The library was initialised before this process was forked; its state does not survive that (section 5.4)."""

    code = "pkcs11-used-across-fork"
    title = "The PKCS#11 library was opened before this process was forked."
    title_zh = "PKCS#11 库在进程派生之前已被打开。"
    remedy = "Start the server so that the workers open the device themselves; restart it."
    remedy_zh = "请让各工作进程自行打开设备，并重启服务。"
    retryable = False


class DeviceRemoved(Pkcs11Failed):
    """The token is not there: pulled out, switched off, or in none of the slots."""

    code = "pkcs11-device-removed"
    title = "The PKCS#11 device is not there."
    title_zh = "PKCS#11 密码设备不在位。"
    remedy = "Check power, cable or network, and that the profile names the token as the vendor's tool shows it."
    remedy_zh = "请检查电源、线缆或网络，并核对配置中的令牌名称与厂商工具所示一致。"
    ends_sessions = True


class DeviceErrored(Pkcs11Failed):
    """The device or its library reports a fault of its own."""

    code = "pkcs11-device-error"
    title = "The PKCS#11 device reports an error of its own."
    title_zh = "PKCS#11 密码设备报告内部错误。"
    ends_sessions = True


class FunctionFailed(Pkcs11Failed):
    """The function could not be carried out; the device may do it the next time (CKR_FUNCTION_FAILED)."""

    code = "pkcs11-function-failed"
    title = "The PKCS#11 device could not carry out the function."
    title_zh = "PKCS#11 密码设备未能执行该功能。"
    ends_sessions = True


class SessionLost(Pkcs11Failed):
    """The session, or the log-in that all sessions share, ended; the next call opens new ones."""

    code = "pkcs11-session-lost"
    title = "The session with the PKCS#11 device was lost."
    title_zh = "与 PKCS#11 密码设备的会话已丢失。"
    remedy = "Try again: the next call opens new sessions."
    remedy_zh = "请重试：下次调用会重新建立会话。"
    ends_sessions = True


class SessionsExhausted(Pkcs11Failed):
    """The device has no further session to give."""

    code = "pkcs11-sessions-exhausted"
    title = "The PKCS#11 device has no free session."
    title_zh = "PKCS#11 密码设备已无可用会话。"
    remedy = "Lower `sessions` in the profile: every worker process opens as many."
    remedy_zh = "请减小配置中的 `sessions`：每个工作进程都会打开相应数量的会话。"


class MemoryShort(Pkcs11Failed):
    """The device or this machine has no memory left for the call."""

    code = "pkcs11-memory"
    title = "The PKCS#11 device or its library is out of memory."
    title_zh = "PKCS#11 密码设备或其库内存不足。"
    remedy = "Remove objects that nobody needs from the token with the vendor's tool, or free memory on this machine."
    remedy_zh = "请用厂商工具清理令牌中不再需要的对象，或释放本机内存。"


class MechanismRefused(Pkcs11Failed):
    """The device does not know the mechanism, or not with this parameter."""

    code = "pkcs11-mechanism-refused"
    title = "The PKCS#11 device does not know the mechanism."
    title_zh = "PKCS#11 密码设备不支持该算法机制。"
    remedy = "Correct the mechanism numbers in the profile's quirks after the vendor's header."
    remedy_zh = "请按厂商头文件更正配置中的机制编号。"
    retryable = False


class TemplateRefused(Pkcs11Failed):
    """The device does not take the attributes of a new key."""

    code = "pkcs11-template-refused"
    title = "The PKCS#11 device refuses the attributes of the key."
    title_zh = "PKCS#11 密码设备拒绝该密钥的属性。"
    remedy = "Make the key with the vendor's tool and enrol it, or correct the profile's quirks."
    remedy_zh = "请用厂商工具生成密钥后登记，或更正配置中的设备差异项。"
    retryable = False


class KeyNotPermitted(Pkcs11Failed):
    """The key's own attributes forbid what was asked, or the mechanism is for another type of key."""

    code = "pkcs11-key-not-permitted"
    title = "The key in the PKCS#11 device may not be used like this."
    title_zh = "PKCS#11 设备中的密钥不允许如此使用。"
    remedy = "Look at CKA_SIGN, CKA_ALLOWED_MECHANISMS and the key type with the vendor's tool."
    remedy_zh = "请用厂商工具检查 CKA_SIGN、CKA_ALLOWED_MECHANISMS 与密钥类型。"
    retryable = False


class DataRefused(Pkcs11Failed):
    """The device does not take the data, mostly because it wants a digest where a message came or the reverse."""

    code = "pkcs11-data-refused"
    title = "The PKCS#11 device does not take the data to sign."
    title_zh = "PKCS#11 密码设备不接受待签名数据。"
    remedy = "Correct what the profile's quirks say each mechanism takes."
    remedy_zh = "请更正配置中各机制的输入形式。"
    retryable = False


class TokenReadOnly(Pkcs11Failed):
    """The token or the session does not let objects be made or destroyed."""

    code = "pkcs11-token-read-only"
    title = "The token is write-protected."
    title_zh = "令牌处于写保护状态。"
    remedy = "Lift the write protection with the vendor's tool for the time of the change."
    remedy_zh = "请在变更期间用厂商工具解除写保护。"
    retryable = False


class AnswerUnusable(Pkcs11Failed):
    """What the device returned has not the form that its profile says."""

    code = "pkcs11-answer-unusable"
    title = "The PKCS#11 device returned something unusable."
    title_zh = "PKCS#11 密码设备返回的内容不可用。"
    remedy = "Correct the profile's quirks (signature form, EC point) after the vendor's manual."
    remedy_zh = "请按厂商手册更正配置中的签名形式与椭圆曲线点形式。"
    retryable = False


class TimedOut(DeviceUnresponsive):
    """A call did not end within the profile's time-out; its session is given up."""

    code = "pkcs11-timed-out"
    title = "The PKCS#11 device did not answer within the time-out."
    title_zh = "PKCS#11 密码设备未在时限内响应。"
    remedy = "Look at the device's load and network; raise `timeout_seconds` only if it is sound and slow."
    remedy_zh = "请检查设备负载与网络；仅在设备正常但较慢时调大 `timeout_seconds`。"


class PinIncorrect(DeviceAccessRefused):
    """CKR_PIN_INCORRECT. The same PIN is not tried again, by any process, until the PIN file holds another one."""

    code = "pkcs11-pin-incorrect"
    title = "The device refused the PIN; it is not tried again."
    title_zh = "密码设备拒绝了口令，系统不会再次尝试。"
    remedy = "Put the right PIN into the device's PIN file. Do not guess: a few wrong PINs lock the token."
    remedy_zh = "请在该设备的口令文件中写入正确口令。切勿猜测：多次错误会锁死令牌。"


class PinLocked(DeviceAccessRefused):
    """The token's PIN is locked (CKR_PIN_LOCKED, CKF_USER_PIN_LOCKED)."""

    code = "pkcs11-pin-locked"
    title = "The token's PIN is locked."
    title_zh = "令牌口令已锁定。"
    remedy = "Have the token's security officer unlock it, then remove the marker that the detail names, if any."
    remedy_zh = "请由令牌管理员解锁；如详情中提到标记文件，再将其删除。"


class PinLastTry(DeviceAccessRefused):
    """One wrong PIN more would lock the token (CKF_USER_PIN_FINAL_TRY): the adapter does not take that risk."""

    code = "pkcs11-pin-last-try"
    title = "One wrong PIN more would lock the token; it was not tried."
    title_zh = "再输错一次口令将锁死令牌，系统未尝试登录。"
    remedy = "Log in once with the vendor's tool, which resets the count; or set `allow_final_try` if you are sure."
    remedy_zh = "请用厂商工具成功登录一次以清除计数；如确认口令无误，可设置 `allow_final_try`。"


class PinUnusable(DeviceAccessRefused):
    """The token has no PIN yet, or the PIN is expired or of a length or with characters that the token refuses."""

    code = "pkcs11-pin-unusable"
    title = "The PIN cannot be used with this token."
    title_zh = "该口令不能用于此令牌。"
    remedy = "Set the user PIN with the vendor's tool and put it into the PIN file."
    remedy_zh = "请用厂商工具设置用户口令，并写入口令文件。"


class PinFileUnusable(DeviceAccessRefused):
    """The PIN file is missing, empty, too long, not text, or readable by other accounts."""

    code = "pkcs11-pin-file-unusable"
    title = "The device's PIN file cannot be used."
    title_zh = "密码设备的口令文件不可用。"
    remedy = "Write the PIN into the file named in the profile and run `chmod 600` on it."
    remedy_zh = "请将口令写入配置所指文件，并执行 `chmod 600`。"


class LoginForeign(DeviceAccessRefused):
    """Another kind of user is logged in through this library in this process."""

    code = "pkcs11-other-user"
    title = "Another user is logged in to the token in this process."
    title_zh = "本进程中已有其他用户登录该令牌。"
    remedy = "Do not share the library with a program part that logs in as security officer."
    remedy_zh = "请勿与以管理员身份登录的程序部分共用该库。"
