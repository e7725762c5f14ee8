"""What granting, accepting, using and withdrawing mandates refuses; each reason has its own code."""

from trust.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotReady


class MandateUnknown(NotFound):
    """No mandate has this id, or the caller has no part in it: nobody learns which ids exist."""

    code = "mandate-unknown"
    title = "No such mandate is known."
    title_zh = "没有此项授权。"


class MandateKindNotGrantable(InvalidInput):
    """This kind of mandate cannot be granted by this kind of principal.

    A legal representative comes from the register of legal persons; a natural person grants one-off mandates only.
    """

    code = "mandate-kind"
    title = "This kind of mandate cannot be granted here."
    title_zh = "此处不能授予该类授权。"
    remedy = "An organisation grants standing agents and one-off mandates; a natural person one-off mandates only."
    remedy_zh = "单位可授予经办人和一次性授权；自然人只能授予一次性授权。"


class MandateMattersInvalid(InvalidInput):
    """A granted mandate names no matter, too many, or a one-off mandate other than one."""

    code = "mandate-matters"
    title = "The list of matters of the mandate cannot be used."
    title_zh = "授权的事项清单不可用。"
    remedy = "Name exactly one matter for a one-off mandate, 1 to 50 for a standing agent."
    remedy_zh = "一次性授权须指定且仅指定一个事项；经办人授权须指定 1 至 50 个事项。"


class MandateTypesInvalid(InvalidInput):
    """A certificate type was named that none of the mandate's matters needs."""

    code = "mandate-types"
    title = "A certificate type does not belong to the matters of the mandate."
    title_zh = "所列证照类型不属于授权事项。"
    remedy = "Name only types that the matters list; leave them out for all types of these matters."
    remedy_zh = "只能选择授权事项所列的证照类型；不填则为这些事项的全部类型。"


class MandateTimeInvalid(InvalidInput):
    """The mandate ends before it begins, is over already, begins too far ahead, or lasts too long."""

    code = "mandate-time"
    title = "The period of the mandate cannot be used."
    title_zh = "授权期限不可用。"
    remedy = "The detail names the limits; a standing mandate is granted again before it ends."
    remedy_zh = "请按详情中的限制填写；经办人授权可在到期前重新授予。"


class MandateAgentUnfit(InvalidInput):
    """The agent must be another natural person with an active account."""

    code = "mandate-agent-unfit"
    title = "This person cannot be the agent."
    title_zh = "该人员不能作为被授权人。"
    remedy = "Name another natural person who has an active account."
    remedy_zh = "请指定另一位拥有有效账号的自然人。"


class MandateAgentNotFound(NotFound):
    """Number and name do not belong to one person with an account; it is not told which of them is wrong."""

    code = "mandate-agent-not-found"
    title = "No person with this number and name has an account."
    title_zh = "没有证件号码与姓名均相符的账号。"
    remedy = "Check both with the person; they must have registered before."
    remedy_zh = "请与本人核对两项信息；本人须已注册账号。"


class MandatePrincipalUnfit(InvalidInput):
    """Only an organisation has a legal representative, and only a natural person can be one."""

    code = "mandate-principal-unfit"
    title = "These two persons cannot be organisation and legal representative."
    title_zh = "所指双方不能构成单位与法定代表人的关系。"


class MandateLimitReached(Conflict):
    """The principal has as many live mandates as it may have."""

    code = "mandate-limit"
    title = "There are too many live mandates."
    title_zh = "有效授权数量已达上限。"
    remedy = "Withdraw mandates that are no longer needed."
    remedy_zh = "请先撤销不再需要的授权。"


class NotEntitledToGrant(NotAllowed):
    """Only the present legal representative grants for an organisation, and a natural person for themselves."""

    code = "mandate-not-entitled"
    title = "This person may not grant or withdraw mandates of this principal."
    title_zh = "该人员无权授予或撤销此授权。"
    remedy = "Ask the present legal representative of the organisation, or the person concerned."
    remedy_zh = "请由单位现任法定代表人或当事人本人办理。"


class SubDelegationRefused(NotAllowed):
    """An agent never passes a mandate on."""

    code = "mandate-sub-delegation"
    title = "An agent cannot pass a mandate on."
    title_zh = "被授权人不得转授权。"
    remedy = "The legal representative or the person concerned must grant a mandate to the other agent directly."
    remedy_zh = "须由法定代表人或当事人直接授权给另一人。"


class OwnSessionNeeded(NotAllowed):
    """A mandate is granted, accepted and withdrawn by the person alone.

    A token that was passed on, that a clerk has a part in, or that already represents somebody is not enough.
    """

    code = "mandate-own-session"
    title = "Mandates need a sign-in of the person's own."
    title_zh = "授权事务须由本人登录办理。"
    remedy = "Sign in yourself, for yourself."
    remedy_zh = "请以本人身份自行登录办理。"


class GranterNotProofed(NotAllowed):
    """The granter's identity was not proved surely enough."""

    code = "mandate-granter-not-proofed"
    title = "The granter's identity has not been proved surely enough."
    title_zh = "授权人的实名核验等级不足。"
    remedy = "Prove your identity at a counter, or renew the document with which you did."
    remedy_zh = "请到窗口完成身份核验，或更新已过期的核验证件。"


class StepUpNeeded(NotAllowed):
    """The granter must have signed in with a one-time code or stronger."""

    code = "mandate-step-up"
    title = "Granting needs a stronger sign-in."
    title_zh = "授权需要更高强度的登录方式。"
    remedy = "Confirm with a one-time code or a passkey and try again."
    remedy_zh = "请用动态验证码或通行密钥再次确认后重试。"


class MandateFromRegister(NotAllowed):
    """The legal representative's right comes from the register of legal persons and ends there."""

    code = "mandate-from-register"
    title = "The legal representative is changed in the register of legal persons only."
    title_zh = "法定代表人只能通过法人登记变更。"
    remedy = "Have the change registered with the registration authority; it is taken over from there."
    remedy_zh = "请先到登记机关办理变更，变更结果由登记信息同步。"


class RepresentativeNotConfirmed(NotAllowed):
    """The register of legal persons does not name this person as the organisation's legal representative."""

    code = "mandate-representative-not-confirmed"
    title = "The register does not confirm this person as the legal representative."
    title_zh = "法人登记信息未能确认该人员为法定代表人。"
    remedy = "Check the credit code and your own data; a change takes effect here after it is registered."
    remedy_zh = "请核对统一社会信用代码与本人信息；变更登记后方可在此生效。"


class RepresentativeRegisterAbsent(NotReady):
    """This installation asks no register of legal persons."""

    code = "mandate-register-absent"
    title = "No register of legal persons is configured."
    title_zh = "未配置法人登记信息来源。"
    remedy = "Configure the source `legal-person-register`, or have two administrators enter the representative."
    remedy_zh = "请配置 `legal-person-register` 来源，或由两名管理员录入法定代表人。"


class MandateNotAccepted(NotAllowed):
    """The agent has not accepted the mandate."""

    code = "mandate-not-accepted"
    title = "The agent has not accepted the mandate."
    title_zh = "被授权人尚未接受该授权。"
    remedy = "The agent accepts it on the page of their mandates."
    remedy_zh = "请被授权人在“我的授权”页面接受。"


class MandateOfferLapsed(Conflict):
    """The agent did not accept the mandate in time."""

    code = "mandate-offer-lapsed"
    title = "The mandate was not accepted in time."
    title_zh = "该授权未在期限内接受，已失效。"
    remedy = "Have it granted again; an offer stands for 30 days."
    remedy_zh = "请重新授权；授权须在 30 日内接受。"


class MandateNotYetValid(NotAllowed):
    """The mandate begins later."""

    code = "mandate-not-yet-valid"
    title = "The mandate is not valid yet."
    title_zh = "该授权尚未生效。"


class MandateExpired(NotAllowed):
    """The mandate's time is over."""

    code = "mandate-expired"
    title = "The mandate has expired."
    title_zh = "该授权已过期。"
    remedy = "Have a new mandate granted."
    remedy_zh = "请重新办理授权。"


class MandateWithdrawn(NotAllowed):
    """The mandate was withdrawn."""

    code = "mandate-withdrawn"
    title = "The mandate was withdrawn."
    title_zh = "该授权已撤销。"
    remedy = "Have a new mandate granted."
    remedy_zh = "请重新办理授权。"


class MandateUsed(NotAllowed):
    """The one-off mandate was used up by another case."""

    code = "mandate-used"
    title = "The one-off mandate has been used."
    title_zh = "该一次性授权已使用。"
    remedy = "Have a new mandate granted for this case."
    remedy_zh = "请为本次办件重新办理授权。"


class MandateNotOneOff(Conflict):
    """Only a one-off mandate is used up."""

    code = "mandate-not-one-off"
    title = "This mandate is not used up by a case."
    title_zh = "该授权不是一次性授权。"


class MandateMatterNotCovered(NotAllowed):
    """The mandate does not reach to this matter."""

    code = "mandate-matter-not-covered"
    title = "The mandate does not cover this matter."
    title_zh = "该授权不包含此事项。"
    remedy = "Have a mandate granted that names the matter."
    remedy_zh = "请办理包含该事项的授权。"


class MandateTypeNotCovered(NotAllowed):
    """The mandate does not reach to a certificate type that is asked for."""

    code = "mandate-type-not-covered"
    title = "The mandate does not cover this certificate type."
    title_zh = "该授权不包含此证照类型。"
    remedy = "Ask for fewer types, or have a mandate granted that names them."
    remedy_zh = "请减少所需证照类型，或办理包含该类型的授权。"


class MandatePrincipalDisabled(NotAllowed):
    """The principal's account is not active: disabled, merged into another, dissolved or deceased."""

    code = "mandate-principal-disabled"
    title = "The represented person's account is not active."
    title_zh = "被代理人的账号已停用。"


class MandateAgentDisabled(NotAllowed):
    """The agent's account is not active."""

    code = "mandate-agent-disabled"
    title = "The agent's account is not active."
    title_zh = "代理人的账号已停用。"


class MandateAgentNotProofed(NotAllowed):
    """The agent's identity was not proved surely enough to act for this principal."""

    code = "mandate-agent-not-proofed"
    title = "The agent's identity has not been proved surely enough."
    title_zh = "代理人的实名核验等级不足。"
    remedy = "Prove your identity at a counter, or renew the document with which you did."
    remedy_zh = "请到窗口完成身份核验，或更新已过期的核验证件。"
