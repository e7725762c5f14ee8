"""What accepting an upstream platform's sign-in can refuse (采信上级平台认证结果)."""

from trust.kernel.errors import (
    Conflict,
    InvalidInput,
    MalformedInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotReady,
    Unavailable,
)

_AGAIN = "Start the sign-in again from this service's own page."
_AGAIN_ZH = "请从本服务的登录页重新开始登录。"
_COUNTER = "Go to a counter with your document; the clerk can clear up which account is yours."
_COUNTER_ZH = "请携带证件到窗口办理，由窗口人员核实账号归属。"


class UpstreamFileInvalid(NotReady):
    """The file of upstream sources cannot be read, or an entry in it is not acceptable."""

    code = "upstream-file-invalid"
    title = "The file of upstream identity sources cannot be used."
    title_zh = "上级身份源配置文件不可用。"
    remedy = "Correct the named entry; docs/keycloak.md shows a whole file."
    remedy_zh = "请更正所指条目；完整示例见 docs/keycloak.md。"


class UpstreamUnknown(NotFound):
    """No upstream source has this name, or it is switched off."""

    code = "upstream-unknown"
    title = "There is no such upstream identity source."
    title_zh = "没有该上级身份源。"
    remedy = "Choose one of the sources that the sign-in page offers."
    remedy_zh = "请选择登录页所列的身份源。"


class UpstreamUnavailable(Unavailable):
    """The upstream platform does not answer, or not with what OpenID Connect prescribes."""

    code = "upstream-unavailable"
    title = "The upstream platform does not answer."
    title_zh = "上级平台无响应。"
    remedy = "Try again in a moment, or sign in here with your password."
    remedy_zh = "请稍后重试，或使用本平台密码登录。"


class UpstreamMetadataInvalid(NotReady):
    """The upstream's discovery document contradicts our configuration (OIDC discovery section 4.3)."""

    code = "upstream-metadata-invalid"
    title = "The description of the upstream platform contradicts what was agreed."
    title_zh = "上级平台的元数据与约定不符。"
    remedy = "The operator compares the issuer in the file of sources with the platform's discovery document."
    remedy_zh = "请运维人员核对身份源配置中的 issuer 与上级平台的发现文档。"


class UpstreamResponseMalformed(MalformedInput):
    """The browser came back with parameters missing or repeated (RFC 6749 section 3.1)."""

    code = "upstream-response-malformed"
    title = "The answer of the upstream platform cannot be read."
    title_zh = "上级平台返回的内容无法读取。"
    remedy = _AGAIN
    remedy_zh = _AGAIN_ZH


class UpstreamStateUnusable(InvalidInput):
    """The `state` is unknown, was used before, or is too old; the caller is not told which."""

    code = "upstream-state-unusable"
    title = "This sign-in is over or was never begun."
    title_zh = "本次登录已结束或从未开始。"
    remedy = _AGAIN
    remedy_zh = _AGAIN_ZH


class UpstreamBrowserDiffers(InvalidInput):
    """The sign-in was begun in another browser: a forged or forwarded link (RFC 9700 section 4.7)."""

    code = "upstream-browser-differs"
    title = "This sign-in was begun in another browser."
    title_zh = "本次登录是在其他浏览器中发起的。"
    remedy = _AGAIN
    remedy_zh = _AGAIN_ZH


class UpstreamMixUp(InvalidInput):
    """The answer belongs to another platform than the one that was asked (RFC 9700 section 4.4, RFC 9207)."""

    code = "upstream-mix-up"
    title = "The answer comes from another platform than the one that was asked."
    title_zh = "返回结果并非来自所请求的平台。"
    remedy = _AGAIN + " If it happens again, tell the operator."
    remedy_zh = _AGAIN_ZH + "如再次出现，请告知运维人员。"


class UpstreamDeclined(NotAuthenticated):
    """The upstream answered with an error (OIDC core section 3.1.2.6), or its person said no."""

    code = "upstream-declined"
    title = "The upstream platform did not sign you in."
    title_zh = "上级平台未完成登录。"
    remedy = _AGAIN
    remedy_zh = _AGAIN_ZH


class UpstreamCodeRefused(NotAuthenticated):
    """The upstream's token endpoint refused our code or our client."""

    code = "upstream-code-refused"
    title = "The upstream platform did not confirm the sign-in."
    title_zh = "上级平台未确认本次登录。"
    remedy = _AGAIN
    remedy_zh = _AGAIN_ZH


class UpstreamTokenInvalid(NotAuthenticated):
    """A token of the upstream fails a check (OIDC core section 3.1.3.7, back-channel logout section 2.6)."""

    code = "upstream-token-invalid"
    title = "A token of the upstream platform is not acceptable."
    title_zh = "上级平台的令牌不可接受。"
    remedy = _AGAIN + " If it happens again, tell the operator."
    remedy_zh = _AGAIN_ZH + "如再次出现，请告知运维人员。"


class UpstreamNumberMissing(InvalidInput):
    """The upstream names no number for the person, so nobody can say who it is."""

    code = "upstream-number-missing"
    title = "The upstream platform gave no identity number."
    title_zh = "上级平台未提供证件号码。"
    remedy = "Complete real-name verification on the upstream platform, then sign in again."
    remedy_zh = "请先在上级平台完成实名认证，再重新登录。"


class UpstreamNumberInvalid(InvalidInput):
    """The number or its kind, as the upstream gave it, has no acceptable form."""

    code = "upstream-number-invalid"
    title = "The identity number from the upstream platform has no acceptable form."
    title_zh = "上级平台提供的证件号码格式不正确。"
    remedy = "Have the upstream platform correct the number it keeps."
    remedy_zh = "请在上级平台更正其登记的证件号码。"


class UpstreamNameMissing(InvalidInput):
    """The upstream names no person, or a name that cannot be kept."""

    code = "upstream-name-missing"
    title = "The upstream platform gave no usable name."
    title_zh = "上级平台未提供可用的姓名。"
    remedy = "Complete real-name verification on the upstream platform, then sign in again."
    remedy_zh = "请先在上级平台完成实名认证，再重新登录。"


class UpstreamNotNatural(InvalidInput):
    """The upstream account is an organisation's; organisations are represented and never sign in."""

    code = "upstream-not-natural"
    title = "An organisation's account cannot sign in here."
    title_zh = "法人账号不能在此登录。"
    remedy = "Sign in as yourself, then choose for whom you act."
    remedy_zh = "请以本人账号登录，再选择所代表的法人。"


class UpstreamSubjectConflict(Conflict):
    """The upstream subject was linked to another person before: its account changed hands or its number."""

    code = "upstream-subject-conflict"
    title = "This upstream account belongs to another person here."
    title_zh = "该上级平台账号已关联其他人员。"
    remedy = _COUNTER
    remedy_zh = _COUNTER_ZH


class UpstreamPersonLinked(Conflict):
    """The person is linked to another subject of the same upstream: two accounts there claim one number."""

    code = "upstream-person-linked"
    title = "Another upstream account is already linked to this person."
    title_zh = "该人员已关联另一上级平台账号。"
    remedy = _COUNTER
    remedy_zh = _COUNTER_ZH


class UpstreamNameDiffers(Conflict):
    """The upstream's name for this number is not the one that we keep."""

    code = "upstream-name-differs"
    title = "The name from the upstream platform is not the one registered here."
    title_zh = "上级平台提供的姓名与本平台登记的不一致。"
    remedy = _COUNTER
    remedy_zh = _COUNTER_ZH


class UpstreamPersonInactive(NotAllowed):
    """The person's account is disabled, or they have died."""

    code = "upstream-person-inactive"
    title = "This account cannot sign in."
    title_zh = "该账号不能登录。"
    remedy = "Ask at a counter."
    remedy_zh = "请到窗口咨询。"
