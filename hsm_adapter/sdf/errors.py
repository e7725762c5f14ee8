"""The answers of an SDF device: an error for each code of GM/T 0018, and what each one ends; `codes` has the numbers.

The five codes for files share one error, as no file is ever asked for. A number nobody knows is `SdfVendorError`.
"""

from enum import Enum
from typing import ClassVar

from hsm_adapter.errors import DeviceFailed, KeyUnknown


class Ends(Enum):
    """What cannot be used after an answer."""

    CALL = "call"
    SESSION = "session"
    DEVICE = "device"


class SdfFailed(DeviceFailed):
    """The device answered a call with a code other than SDR_OK."""

    code = "sdf-failed"
    title = "The SDF device refused a call."
    title_zh = "SDF 密码设备拒绝了调用。"
    remedy = "Read the code in the detail; the vendor's manual explains it. The device's own log may say more."
    remedy_zh = "请查看详情中的错误码并对照厂商手册；设备自身日志可能有更多信息。"
    ends: ClassVar[Ends] = Ends.SESSION


class SdfUnknown(SdfFailed):
    """SDR_UNKNOWERR: the device does not know itself what went wrong."""

    code = "sdf-unknown"
    title = "The SDF device reported an unknown error."
    title_zh = "SDF 密码设备报告未知错误。"
    ends = Ends.DEVICE


class SdfNotSupported(SdfFailed):
    """SDR_NOTSUPPORT: the library has the function, the device does not."""

    code = "sdf-not-supported"
    title = "The SDF device does not support this function."
    title_zh = "SDF 密码设备不支持该功能。"
    retryable = False
    ends = Ends.CALL


class SdfCommunicationFailed(SdfFailed):
    """SDR_COMMFAIL: the library does not reach the device."""

    code = "sdf-communication-failed"
    title = "The SDF device cannot be reached."
    title_zh = "无法与 SDF 密码设备通信。"
    remedy = "Check the device's power, cable or network address; the service connects again by itself."
    remedy_zh = "请检查设备电源、线缆或网络地址；恢复后服务会自动重新连接。"
    ends = Ends.DEVICE


class SdfHardwareFailed(SdfFailed):
    """SDR_HARDFAIL: the hardware does not answer."""

    code = "sdf-hardware-failed"
    title = "The hardware of the SDF device failed."
    title_zh = "SDF 密码设备硬件故障。"
    remedy = "Take the device out of service and call the vendor."
    remedy_zh = "请停用该设备并联系厂商。"
    ends = Ends.DEVICE


class SdfOpenDeviceFailed(SdfFailed):
    """SDR_OPENDEVICE: the device cannot be opened."""

    code = "sdf-open-device-failed"
    title = "The SDF device cannot be opened."
    title_zh = "无法打开 SDF 密码设备。"
    remedy = "Check that the device is on, that its library is configured, and that the service's account may use it."
    remedy_zh = "请检查设备是否通电、厂商库是否已配置、服务账号是否有权使用该设备。"
    ends = Ends.DEVICE


class SdfSessionsExhausted(SdfFailed):
    """SDR_OPENSESSION: the device gives no further session."""

    code = "sdf-sessions-exhausted"
    title = "The SDF device gives no further session."
    title_zh = "SDF 密码设备无法再打开会话。"
    remedy = "Lower `sessions` in the profile: all processes together may not exceed the device's own limit."
    remedy_zh = "请调低配置中的 `sessions`：所有进程合计不得超过设备自身的会话上限。"


class SdfNotPermitted(SdfFailed):
    """SDR_PARDENY: no permission for this call."""

    code = "sdf-not-permitted"
    title = "The SDF device does not permit this call."
    title_zh = "SDF 密码设备不允许该操作。"
    retryable = False


class SdfKeyNotExist(KeyUnknown):
    """SDR_KEYNOTEXIST: there is no key pair at this index."""

    code = "sdf-key-not-exist"
    title = "The SDF device has no key pair at this index."
    title_zh = "SDF 密码设备的该索引处没有密钥对。"
    remedy = "Make the key with the vendor's tool, or correct `keys` in the profile."
    remedy_zh = "请用厂商工具生成密钥，或更正配置中的 `keys`。"
    ends: ClassVar[Ends] = Ends.CALL


class SdfAlgorithmNotSupported(SdfFailed):
    """SDR_ALGNOTSUPPORT: the device has no such algorithm."""

    code = "sdf-algorithm-not-supported"
    title = "The SDF device does not support the algorithm."
    title_zh = "SDF 密码设备不支持该算法。"
    retryable = False
    ends = Ends.CALL


class SdfModeNotSupported(SdfFailed):
    """SDR_ALGMODNOTSUPPORT: the device has no such mode of the algorithm."""

    code = "sdf-mode-not-supported"
    title = "The SDF device does not support the algorithm's mode."
    title_zh = "SDF 密码设备不支持该算法模式。"
    retryable = False
    ends = Ends.CALL


class SdfPublicKeyFailed(SdfFailed):
    """SDR_PKOPERR: an operation with a public key failed."""

    code = "sdf-public-key-failed"
    title = "An operation with a public key failed in the SDF device."
    title_zh = "SDF 密码设备公钥运算失败。"


class SdfPrivateKeyFailed(SdfFailed):
    """SDR_SKOPERR: an operation with a private key failed."""

    code = "sdf-private-key-failed"
    title = "An operation with a private key failed in the SDF device."
    title_zh = "SDF 密码设备私钥运算失败。"


class SdfSigningFailed(SdfFailed):
    """SDR_SIGNERR: the signature was not made."""

    code = "sdf-signing-failed"
    title = "The SDF device could not sign."
    title_zh = "SDF 密码设备签名失败。"


class SdfVerifyingFailed(SdfFailed):
    """SDR_VERIFYERR: a signature was not verified."""

    code = "sdf-verifying-failed"
    title = "The SDF device could not verify."
    title_zh = "SDF 密码设备验签失败。"


class SdfSymmetricFailed(SdfFailed):
    """SDR_SYMOPERR: a symmetric operation failed."""

    code = "sdf-symmetric-failed"
    title = "A symmetric operation failed in the SDF device."
    title_zh = "SDF 密码设备对称运算失败。"


class SdfStepWrong(SdfFailed):
    """SDR_STEPERR: the calls came in an order that the device does not accept."""

    code = "sdf-step-wrong"
    title = "The SDF device did not expect this call now."
    title_zh = "SDF 密码设备认为调用步骤有误。"


class SdfFileFailed(SdfFailed):
    """SDR_FILESIZEERR, SDR_FILENOEXIST, SDR_FILEOFSERR, SDR_FILEEXISTS, SDR_FILEWERR: files are not used here."""

    code = "sdf-file-failed"
    title = "The SDF device reported an error of its files."
    title_zh = "SDF 密码设备报告文件错误。"
    retryable = False


class SdfKeyTypeWrong(SdfFailed):
    """SDR_KEYTYPEERR: the key is of another type."""

    code = "sdf-key-type-wrong"
    title = "The key in the SDF device is of another type."
    title_zh = "SDF 密码设备中的密钥类型不符。"
    remedy = "Use an index that holds an SM2 signature key pair."
    remedy_zh = "请使用存有 SM2 签名密钥对的索引。"
    retryable = False
    ends = Ends.CALL


class SdfKeyBroken(SdfFailed):
    """SDR_KEYERR: the key is damaged."""

    code = "sdf-key-broken"
    title = "The key in the SDF device is damaged."
    title_zh = "SDF 密码设备中的密钥有误。"
    remedy = "Restore the key from the device's own backup."
    remedy_zh = "请从设备自身的备份恢复密钥。"
    retryable = False
    ends = Ends.CALL


class SdfCiphertextWrong(SdfFailed):
    """SDR_ENCDATAERR: encrypted data are wrong."""

    code = "sdf-ciphertext-wrong"
    title = "The SDF device could not read encrypted data."
    title_zh = "SDF 密码设备报告密文数据错误。"


class SdfRandomFailed(SdfFailed):
    """SDR_RANDERR: no random numbers, and therefore no signatures either."""

    code = "sdf-random-failed"
    title = "The random generator of the SDF device failed."
    title_zh = "SDF 密码设备随机数产生失败。"
    remedy = "Take the device out of service and call the vendor."
    remedy_zh = "请停用该设备并联系厂商。"


class SdfAccessRightRefused(SdfFailed):
    """SDR_PRKRERR: the session has no access right to the private key."""

    code = "sdf-access-right-refused"
    title = "The session has no access right to the private key."
    title_zh = "会话没有私钥使用权限。"
    remedy = "Name the key's password file in the profile; after a restart of the device the service asks again itself."
    remedy_zh = "请在配置中指定该密钥的口令文件；设备重启后服务会自动重新获取权限。"


class SdfMacFailed(SdfFailed):
    """SDR_MACERR: a MAC was not computed."""

    code = "sdf-mac-failed"
    title = "The SDF device could not compute a MAC."
    title_zh = "SDF 密码设备 MAC 运算失败。"


class SdfBufferTooSmall(SdfFailed):
    """SDR_NOBUFFER: the device has no memory left, or a buffer is too small."""

    code = "sdf-no-buffer"
    title = "The SDF device has no buffer for the call."
    title_zh = "SDF 密码设备缓冲区不足。"


class SdfInputRefused(SdfFailed):
    """SDR_INARGERR: an argument is wrong; handles of a device that was restarted can be the reason."""

    code = "sdf-input-refused"
    title = "The SDF device refused an argument."
    title_zh = "SDF 密码设备拒绝了输入参数。"


class SdfOutputRefused(SdfFailed):
    """SDR_OUTARGERR: an output argument is wrong."""

    code = "sdf-output-refused"
    title = "The SDF device refused an output argument."
    title_zh = "SDF 密码设备拒绝了输出参数。"


class SdfUserIdWrong(SdfFailed):
    """SDR_USERIDERR; with some vendors it is a wrong length."""

    code = "sdf-user-id-wrong"
    title = "The SDF device refused the signer's identifier or a length."
    title_zh = "SDF 密码设备拒绝了用户标识或长度。"


class SdfVendorError(SdfFailed):
    """A code that neither the standard nor the profile knows."""

    code = "sdf-vendor-error"
    title = "The SDF device answered with a code of its vendor."
    title_zh = "SDF 密码设备返回了厂商自定义错误码。"
    remedy = "Look the code up in the vendor's manual and give it a meaning under `codes` in the profile."
    remedy_zh = "请在厂商手册中查明该错误码，并在配置的 `codes` 中注明其含义。"
    ends = Ends.DEVICE
