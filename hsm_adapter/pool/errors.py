"""What the pool refuses by itself; what a device raised is passed on as it is."""

from trust.kernel.errors import InvalidInput, NotReady, Unavailable


class SigningBusy(Unavailable):
    """The devices have more to sign than the queue takes; `retry_after_seconds` says when to come back."""

    code = "signing-busy"
    title = "The key devices are busy."
    title_zh = "密码设备繁忙。"
    remedy = "Wait for the time given in Retry-After and try again."
    remedy_zh = "请等待 Retry-After 所示的时间后重试。"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)


class DevicesUnavailable(Unavailable):
    """Every device that holds the key failed a moment ago and is left alone until it is tried again."""

    code = "key-devices-unavailable"
    title = "No device that holds the key answers at the moment."
    title_zh = "持有该密钥的密码设备当前均无响应。"
    remedy = "Wait for the time given in Retry-After; if it lasts, look at `yinxin keys devices`."
    remedy_zh = "请等待 Retry-After 所示的时间；如持续出现，请检查 `yinxin keys devices` 所列设备。"

    def __init__(self, detail: str = "", *, retry_after_seconds: int) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)


class DevicesOutOfService(NotReady):
    """Every device that holds the key is out of service (or not in the devices file) until an operator acts."""

    code = "key-devices-out-of-service"
    title = "Every device that holds the key is out of service."
    title_zh = "持有该密钥的密码设备均已停止服务。"
    remedy = "Examine the devices that `yinxin keys devices` shows, then put one back with `yinxin keys reinstate`."
    remedy_zh = "请检查 `yinxin keys devices` 所列设备，再用 `yinxin keys reinstate` 恢复。"


class DeviceUnknown(InvalidInput):
    """No device of this name is in the devices file."""

    code = "key-device-unknown"
    title = "There is no such key device."
    title_zh = "没有该密码设备。"
    remedy = "Use a name of the devices file; `yinxin keys devices` lists them."
    remedy_zh = "请使用设备文件中的名称；可用 `yinxin keys devices` 查看。"
