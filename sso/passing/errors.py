"""What cases, presence, access log and offline form can refuse; the exchange refuses by the names of its RFC."""

from trust.kernel.errors import InternalFault, InvalidInput, NotAllowed, NotFound, RateLimited


class NotAClerk(NotAllowed):
    """The token is no clerk's own: without the scope, passed on, or of a person who is no clerk or a disabled one."""

    code = "not-a-clerk"
    title = "This takes the access token of a registered clerk who signed in themselves."
    title_zh = "此操作需要已登记窗口人员本人登录的访问令牌。"
    remedy = "Have the clerk sign in with the scope counter:assist; the administrator registers clerks."
    remedy_zh = "请窗口人员以 counter:assist 权限登录；窗口人员由管理员登记。"


class ClerkStrengthTooLow(NotAllowed):
    """The clerk signed in with a password alone."""

    code = "clerk-strength-too-low"
    title = "The clerk's sign-in is too weak to act for a citizen."
    title_zh = "窗口人员的登录强度不足，不能协助办理。"
    remedy = "Have the clerk sign in again with a one-time code or a passkey (acr urn:yinxin:aal:2 or higher)."
    remedy_zh = "请窗口人员使用动态验证码或通行密钥重新登录（acr 为 urn:yinxin:aal:2 及以上）。"


class ClerkElsewhere(NotAllowed):
    """The counter does not exist, is closed, or the clerk is not posted to it."""

    code = "clerk-elsewhere"
    title = "The clerk is not posted to this counter."
    title_zh = "该窗口人员未派驻此窗口。"
    remedy = "Check the counter; the administrator posts clerks to counters."
    remedy_zh = "请核对窗口；派驻由管理员登记。"


class SystemElsewhere(NotAllowed):
    """The calling system does not stand on the counter."""

    code = "system-elsewhere"
    title = "The calling system is not registered at this counter."
    title_zh = "调用系统未登记在此窗口。"
    remedy = "Ask the administrator of this service to register the system at the counter."
    remedy_zh = "请联系本服务管理员将系统登记到该窗口。"


class MatterElsewhere(NotAllowed):
    """There is no such matter, or the calling system is not registered for it."""

    code = "matter-elsewhere"
    title = "The calling system is not registered for this matter."
    title_zh = "调用系统未登记此事项。"
    remedy = "Check the code of the matter; the administrator registers matters for systems."
    remedy_zh = "请核对事项编码；系统可办事项由管理员登记。"


class CaseUnknown(NotFound):
    """There is no such case, or it is another clerk's."""

    code = "case-unknown"
    title = "There is no such case of this clerk."
    title_zh = "该窗口人员名下没有此办件。"


class OwnCase(NotAllowed):
    """A clerk never assists in their own case, nor in that of someone tied to them by a mandate."""

    code = "own-case"
    title = "A clerk may not assist in their own case, nor in that of someone they act for."
    title_zh = "窗口人员不得办理本人或其代理关系人的办件。"
    remedy = "Have another clerk assist."
    remedy_zh = "请由其他窗口人员办理。"


class PresenceRefused(NotAllowed):
    """The citizen's presence was not shown: unknown person, wrong code, differing document. Nobody is told which."""

    code = "presence-refused"
    title = "The citizen's presence could not be confirmed."
    title_zh = "无法确认办事人在场。"
    remedy = "Check the document or have the citizen type a new code; a person without an account registers first."
    remedy_zh = "请核对证件，或请办事人重新输入动态验证码；尚未注册的，请先注册。"


class PresenceThrottled(RateLimited):
    """One clerk failed too often with one citizen."""

    code = "presence-throttled"
    title = "Presence was presented too often without success."
    title_zh = "在场确认失败次数过多。"


class CardCheckInvalid(InvalidInput):
    """What the clerk recorded of a card contradicts itself."""

    code = "card-check-invalid"
    title = "What was recorded of the document is not acceptable."
    title_zh = "证件核验记录不符合要求。"


class HopUnknown(NotFound):
    """There is no such hop of this person."""

    code = "hop-unknown"
    title = "There is no such passing of trust in this person's record."
    title_zh = "该人员的记录中没有此次信任传递。"


class ChainBroken(InternalFault):
    """The record of hops was altered: a link does not follow from the one before it."""

    code = "chain-broken"
    title = "The record of passed trust was altered."
    title_zh = "信任传递记录已被改动。"
    remedy = "Tell the security officer; the hop named in the log is the first that does not fit."
    remedy_zh = "请告知安全审计员；日志中给出第一处不符的记录。"


class OfflineRefused(NotAllowed):
    """This token or this system gets no offline assertion for this target."""

    code = "offline-refused"
    title = "No offline assertion can be made from this token."
    title_zh = "不能由该令牌生成离线凭据。"
    remedy = "Use the token of an open case, from the system it was issued to, for a target that the system may reach."
    remedy_zh = "请由办件所属系统使用该办件的有效令牌，并选择系统可传递的目标。"


class ProofingTooLow(NotAllowed):
    """Nobody has seen a document of the person whose certificates would be read: the account may be a stranger's."""

    code = "proofing-too-low"
    title = "The person's identity has not been proved surely enough for certificates to be read."
    title_zh = "该人员的实名核验等级不足，不能读取其证照。"
    remedy = (
        "Have the person prove their identity at a counter, or renew an expired document there; then sign in again."
    )
    remedy_zh = "请本人到窗口完成身份核验，或更新已过期的核验证件，然后重新登录。"
