"""What the adapter itself finds wrong with an SDF device, its library or its profile."""

from hsm_adapter.errors import DeviceAccessRefused, DeviceFailed, DeviceUnresponsive
from trust.kernel.errors import NotReady


class SdfProfileInvalid(NotReady):
    """The table that describes an SDF device cannot be used."""

    code = "sdf-profile-invalid"
    title = "The profile of an SDF device is not valid."
    title_zh = "SDF 密码设备的配置无效。"
    remedy = "Correct the named entry; docs/sdf.md lists them all."
    remedy_zh = "请更正所指配置项；全部配置项见 docs/sdf.md。"


class SdfLibraryUnusable(DeviceFailed):
    """The vendor's library cannot be loaded, or lacks a function of GM/T 0018 that is needed."""

    code = "sdf-library-unusable"
    title = "The vendor's SDF library cannot be used."
    title_zh = "厂商 SDF 库无法使用。"
    remedy = "Install the vendor's library for this platform where the profile names it, with all that it depends on."
    remedy_zh = "请将适用于本平台的厂商库及其依赖安装到配置所指位置。"
    retryable = False


class SdfPasswordUnusable(DeviceFailed):
    """The file with a key's password is missing, readable by others, or holds no password that SDF allows."""

    code = "sdf-password-unusable"
    title = "The password file of the SDF device cannot be used."
    title_zh = "SDF 密码设备的口令文件不可用。"
    remedy = "Write the password (8 to 256 bytes) into the file that the profile names and run `chmod 600` on it."
    remedy_zh = "请将口令（8 至 256 字节）写入配置所指文件，并对该文件执行 `chmod 600`。"
    retryable = False


class SdfLockedOut(DeviceAccessRefused):
    """The device refused the password once: it is not asked again before an operator has acted."""

    code = "sdf-locked-out"
    title = "The SDF device refused the password of a private key; it will not be asked again."
    title_zh = "SDF 密码设备拒绝了私钥口令；在人工处理前不会再次尝试。"
    remedy = (
        "Correct the password file, have the device unlocked if it has locked itself, delete the file named in the "
        "detail, then put the device back with `yinxin keys reinstate`. Do not guess: devices lock for good."
    )
    remedy_zh = (
        "请更正口令文件；如设备已自锁请先解锁；再删除详情中所列文件，并用 `yinxin keys reinstate` 恢复设备。"
        "切勿猜测口令：连续输错会使设备永久锁定。"
    )


class SdfTimedOut(DeviceUnresponsive):
    """A call did not come back in time; its session was given up, and nothing it may still return is used."""

    code = "sdf-timed-out"
    title = "The SDF device did not answer in time."
    title_zh = "SDF 密码设备响应超时。"


class SdfBusy(DeviceFailed):
    """No session became free in time: all are at work, or hang in calls that never came back."""

    code = "sdf-busy"
    title = "All sessions of the SDF device are busy."
    title_zh = "SDF 密码设备的所有会话均被占用。"


class SdfAnswerMalformed(DeviceFailed):
    """The device said SDR_OK and returned what cannot be an SM2 key, a signature or random bytes."""

    code = "sdf-answer-malformed"
    title = "The SDF device returned something that cannot be right."
    title_zh = "SDF 密码设备返回了不合理的数据。"
    remedy = "Compare `layout` in the profile with the vendor's header; if it is right, take the device out of service."
    remedy_zh = "请将配置中的 `layout` 与厂商头文件核对；如无误，请停用该设备。"
