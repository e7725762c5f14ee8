"""What can go wrong between a service and a key."""

from trust.kernel.errors import (
    Conflict,
    InternalFault,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotReady,
    TooLarge,
    Unavailable,
)


class KeyUnknown(NotFound):
    """The device holds no key of this reference."""

    code = "key-unknown"
    title = "The device holds no such key."
    title_zh = "密码设备中没有该密钥。"
    remedy = "List the keys with `yinxin keys list` and use one of their references."
    remedy_zh = "请用 `yinxin keys list` 查看密钥，并使用其中的编号。"


class PurposeMismatch(NotAllowed):
    """The key exists for another purpose than the one it was asked for."""

    code = "key-purpose-mismatch"
    title = "The key may not be used for this purpose."
    title_zh = "该密钥不得用于此用途。"
    remedy = "Use the key that was made for this purpose; a key's purpose never changes."
    remedy_zh = "请使用为该用途生成的密钥；密钥用途不可更改。"


class KeyRetired(NotAllowed):
    """The key was retired for good."""

    code = "key-retired"
    title = "The key was retired."
    title_zh = "该密钥已停用。"
    remedy = "Make a new key; a retired one cannot be brought back."
    remedy_zh = "请生成新密钥；已停用的密钥不可恢复。"


class KeyAlgorithmRefused(NotAllowed):
    """The device names an algorithm for the key that is not in the closed table (law 10)."""

    code = "key-algorithm-refused"
    title = "The key's algorithm is not accepted."
    title_zh = "不接受该密钥的算法。"
    remedy = "Make a key of SM2 with SM3, ECDSA on P-256 with SHA-256, or RSA of 3072 bits with SHA-256."
    remedy_zh = "请生成 SM2（配 SM3）、P-256 ECDSA（配 SHA-256）或 3072 位 RSA（配 SHA-256）密钥。"


class MessageTooLong(TooLarge):
    """The message exceeds what the guard lets a key sign."""

    code = "message-too-long"
    title = "The message to sign is too long."
    title_zh = "待签名消息过长。"


class BatchTooLarge(TooLarge):
    """One call asks for more signatures than the guard makes at once."""

    code = "signing-batch-too-large"
    title = "Too many messages to sign in one call."
    title_zh = "单次签名的消息过多。"


class LabelInvalid(InvalidInput):
    """A key's label is empty, too long or not printable."""

    code = "key-label-invalid"
    title = "The label of the key cannot be used."
    title_zh = "密钥名称不可用。"
    remedy = "Give 1 to 100 printable characters."
    remedy_zh = "请使用 1 至 100 个可打印字符。"


class SelfVerificationFailed(InternalFault):
    """The device returned something that its own public key does not verify; nothing was released."""

    code = "self-verification-failed"
    title = "The device returned a wrong signature; it was not released."
    title_zh = "密码设备返回了错误的签名，未予放行。"
    remedy = "Take the device out of service and examine it."
    remedy_zh = "请停用并检查该密码设备。"


class DeviceFailed(Unavailable):
    """The device did not do what it was asked."""

    code = "key-device-failed"
    title = "The key device does not answer properly."
    title_zh = "密码设备未正常响应。"


class DeviceUnresponsive(DeviceFailed):
    """The device did not answer within its time."""

    code = "key-device-unresponsive"
    title = "The key device does not answer in time."
    title_zh = "密码设备未在规定时间内响应。"


class DeviceAccessRefused(NotReady):
    """The device refused the PIN, password or access right. Never tried again by itself: each try may lock it.

    The kinds of it (a wrong PIN, a locked one) belong to the adapters; the pool takes the device out of service.
    """

    code = "key-device-access-refused"
    title = "The key device refused the PIN or access right."
    title_zh = "密码设备拒绝了口令或访问权限。"
    remedy = "Correct the device's PIN file, then put the device back with `yinxin keys reinstate`; do not guess PINs."
    remedy_zh = "请更正设备口令文件，再用 `yinxin keys reinstate` 恢复设备；切勿反复试口令。"


class DeviceCannot(NotAllowed):
    """The device's interface has no such function, or its profile forbids it."""

    code = "key-device-cannot"
    title = "The key device cannot do this."
    title_zh = "密码设备不支持该操作。"
    remedy = "Do it with the vendor's own tool, then enrol the key with `yinxin keys enrol`."
    remedy_zh = "请使用厂商工具完成，再用 `yinxin keys enrol` 登记密钥。"


class KeyFileBroken(InternalFault):
    """A file of the software token was altered, exchanged or damaged."""

    code = "key-file-broken"
    title = "A key file was altered or is damaged."
    title_zh = "密钥文件被改动或已损坏。"
    remedy = "Restore the file from its backup and tell the security officer."
    remedy_zh = "请从备份恢复该文件，并告知安全审计员。"


class KeyStoreMissing(NotReady):
    """There is no software token in this folder."""

    code = "key-store-missing"
    title = "There is no key store in this home."
    title_zh = "该目录下没有密钥库。"
    remedy = "Run `yinxin init` for a new installation, or restore the folder from its backup."
    remedy_zh = "新安装请运行 `yinxin init`；已有系统请从备份恢复该目录。"


class TokenExists(Conflict):
    """There is a software token in this folder already; it is never overwritten."""

    code = "token-exists"
    title = "There is a key store in this home already."
    title_zh = "该目录下已有密钥库。"
    remedy = "Use the existing one, or choose another home."
    remedy_zh = "请使用现有密钥库，或另选目录。"


class TokenFolderUnusable(NotReady):
    """The folder of the software token cannot be read or written."""

    code = "token-folder-unusable"
    title = "The key store's folder cannot be read or written."
    title_zh = "密钥库目录无法读写。"
    remedy = "Give the service's account the folder, with room on its disk."
    remedy_zh = "请将该目录授权给服务账号，并确认磁盘有空间。"


class PassphraseMissing(NotReady):
    """The passphrase file is missing, unreadable, empty or longer than a passphrase."""

    code = "token-passphrase-missing"
    title = "The key store's passphrase file is missing or empty."
    title_zh = "密钥库口令文件缺失或为空。"
    remedy = "Write the passphrase into the file that YINXIN_PASSPHRASE_FILE names."
    remedy_zh = "请将口令写入 YINXIN_PASSPHRASE_FILE 所指文件。"


class PassphraseExposed(NotReady):
    """Accounts other than the service's can read the passphrase file."""

    code = "token-passphrase-exposed"
    title = "The passphrase file can be read by other accounts."
    title_zh = "口令文件可被其他账号读取。"
    remedy = "Run `chmod 600` on the file; if others may have read it, choose a new passphrase."
    remedy_zh = "请对该文件执行 `chmod 600`；如可能已被他人读取，请更换口令。"


class PassphraseWrong(NotReady):
    """The passphrase does not open the software token."""

    code = "token-passphrase-wrong"
    title = "The passphrase does not open the key store."
    title_zh = "口令无法打开密钥库。"
    remedy = "Put the passphrase of this key store into the file; it was set when `yinxin init` ran."
    remedy_zh = "请在文件中写入本密钥库的口令，即运行 `yinxin init` 时设定的口令。"


class SoftwareKeysRefused(NotReady):
    """Software keys in production need an explicit permission."""

    code = "software-keys-refused"
    title = "Software keys are refused in production."
    title_zh = "生产环境拒绝使用软件密钥。"
    remedy = "Connect a hardware device, or set YINXIN_ALLOW_SOFTWARE_KEYS=true if you accept keys in process memory."
    remedy_zh = "请接入硬件密码设备；如接受密钥驻留进程内存，请设置 YINXIN_ALLOW_SOFTWARE_KEYS=true。"


class EnrolmentRefused(Conflict):
    """A device does not hold what is to be enrolled, holds another key, or the key is enrolled already."""

    code = "key-enrolment-refused"
    title = "The key in the device cannot be enrolled."
    title_zh = "无法登记设备中的该密钥。"
    remedy = "Compare the handle and the public key with what `yinxin keys holdings` shows for the device."
    remedy_zh = "请与 `yinxin keys holdings` 显示的设备密钥核对编号与公钥。"


class DevicesFileInvalid(NotReady):
    """The devices file cannot be read, or a line of it is wrong; `field` names the place."""

    code = "devices-file-invalid"
    title = "The devices file cannot be used."
    title_zh = "密码设备配置文件不可用。"
    remedy = "Correct the named line; docs/sdf.md and docs/pkcs11.md list the entries."
    remedy_zh = "请更正所指的行；各配置项见 docs/sdf.md 与 docs/pkcs11.md。"


class InsecureSignerWarning(UserWarning):
    """Keys are held in the memory of this process: good for development, a decision in production."""
