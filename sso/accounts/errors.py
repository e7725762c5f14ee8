"""What the register of persons can refuse."""

from trust.authority.errors import SamePerson
from trust.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotReady, RateLimited, Unavailable


class PersonUnknown(NotFound):
    """No person is registered under this id, or under this number; only those who may know are told so."""

    code = "person-unknown"
    title = "No such person is registered."
    title_zh = "没有该人员的登记。"
    remedy = "Check the number; the person can register online or at a counter."
    remedy_zh = "请核对证件号码；本人可在线或到窗口登记。"


class PersonAlreadyRegistered(Conflict):
    """The number belongs to an account. Never raised towards an unproved caller: it would tell who has an account."""

    code = "person-already-registered"
    title = "There is an account for this number."
    title_zh = "该证件号码已登记账号。"
    remedy = "Use the account there is; if it belongs to someone else, have a clerk check the document."
    remedy_zh = "请使用已有账号；若该账号不属于本人，请到窗口核验证件。"


class PersonNotActive(Conflict):
    """The account is disabled, merged into another, or its holder is deceased or dissolved."""

    code = "person-not-active"
    title = "The account is not active."
    title_zh = "该账号不在可用状态。"
    remedy = "Ask the administrator of this service what ended the account; the detail names its state."
    remedy_zh = "请向本服务管理员查询账号停用原因；详情给出其状态。"


class PersonStateUnchanged(Conflict):
    """The account is already in the state that was asked for, or its state cannot be changed any more."""

    code = "person-state-unchanged"
    title = "The account cannot be brought into this state."
    title_zh = "该账号不能变更为此状态。"


class NameUnchanged(InvalidInput):
    """The new name is the one that the person has."""

    code = "name-unchanged"
    title = "The new name is the present one."
    title_zh = "新姓名与现登记姓名相同。"


class NameMismatch(Conflict):
    """The number is registered under another name. A name is changed by a rename, never in passing."""

    code = "name-mismatch"
    title = "The number is registered under another name."
    title_zh = "该证件号码登记的姓名与所提供的不一致。"
    remedy = "Check the spelling against the document; after a change of name, have it recorded first."
    remedy_zh = "请与证件核对姓名；如已更名，请先办理姓名变更。"


class MobileNumberInvalid(InvalidInput):
    """A mobile number of the mainland has 11 digits and begins with 1."""

    code = "mobile-number-invalid"
    title = "The mobile number does not have an acceptable form."
    title_zh = "手机号码格式不正确。"


class SocialSecurityNumberInvalid(InvalidInput):
    """A social-security number has 6 to 20 digits and capital letters."""

    code = "social-security-number-invalid"
    title = "The social-security number does not have an acceptable form."
    title_zh = "社会保障号码格式不正确。"


class ProofingSourceUnknown(NotFound):
    """This installation has no such proofing source, or the source does not know this kind of person."""

    code = "proofing-source-unknown"
    title = "There is no such proofing source for this kind of person."
    title_zh = "没有适用于该类主体的核验来源。"
    remedy = "Use a source that the settings of this service list for the kind of number."
    remedy_zh = "请使用本服务配置中适用于该证件类型的核验来源。"


class ProofingClaimMissing(InvalidInput):
    """The source compares an item that was not given."""

    code = "proofing-claim-missing"
    title = "The proofing source needs an item that was not given."
    title_zh = "缺少核验来源所需的信息项。"
    remedy = "Give the item named by the field."
    remedy_zh = "请提供所指字段的信息。"


class ProofingSourceUnavailable(Unavailable):
    """The source did not answer in time, is busy, or says that it cannot answer now."""

    code = "proofing-source-unavailable"
    title = "The register that confirms names and numbers does not answer at the moment."
    title_zh = "核验姓名和证件号码的登记系统暂时没有响应。"
    remedy = "Nothing was registered. Try again in a few minutes, or go to any counter with your document."
    remedy_zh = "本次没有完成登记。请几分钟后重试，或携带证件到任一窗口办理。"


class ProofingSourceResting(ProofingSourceUnavailable):
    """The source did not answer several times in a row, so it is not asked for a while (`sso.accounts.breaker`)."""

    code = "proofing-source-resting"
    title = "The register that confirms names and numbers has not answered for a while."
    title_zh = "核验姓名和证件号码的登记系统一段时间内没有响应。"


class ProofingAnswerUnreadable(Unavailable):
    """The source answered something that docs/proofing-sources.md does not know; nothing is concluded from it."""

    code = "proofing-answer-unreadable"
    title = "The answer of the proofing source cannot be read."
    title_zh = "无法识别核验来源的应答。"
    remedy = "Tell the operator: the source does not keep to docs/proofing-sources.md."
    remedy_zh = "请告知运维人员：核验来源未遵守 docs/proofing-sources.md。"
    retryable = False


class ProofingSourceRefused(NotReady):
    """The source does not admit this service: the secret is wrong, or was withdrawn."""

    code = "proofing-source-refused"
    title = "The proofing source does not admit this service."
    title_zh = "核验来源拒绝本服务的访问。"
    remedy = "Have the operator agree on a new secret with the source and put it into the secret file."
    remedy_zh = "请运维人员与核验来源重新约定密钥，并更新密钥文件。"


class ProofingSourceUnusable(NotReady):
    """The settings of a source cannot be used: its address is not https, or its secret is too short."""

    code = "proofing-source-unusable"
    title = "The settings of a proofing source cannot be used."
    title_zh = "核验来源的配置不可用。"
    remedy = "Use an https address without a query and a secret of 32 characters or more."
    remedy_zh = "请使用不带查询串的 https 地址，密钥不少于 32 个字符。"


class ProofingNotConfirmed(Conflict):
    """The source did not confirm that the items belong together; it does not say which one differs."""

    code = "proofing-not-confirmed"
    title = "The proofing source did not confirm the details."
    title_zh = "核验来源未能确认所提供的信息。"
    remedy = "Check the details against the document, or go to a counter with it."
    remedy_zh = "请与证件核对信息，或携带证件到窗口办理。"


class SubjectEnded(Conflict):
    """The register says that the person is deceased or the organisation dissolved."""

    code = "subject-ended"
    title = "The register says that this person is deceased or dissolved."
    title_zh = "登记信息显示该主体已死亡或注销。"
    remedy = "If the register is wrong, have it corrected there; an administrator then opens the account again."
    remedy_zh = "如登记信息有误，请先向登记机关更正，再由管理员恢复账号。"


class ProofingSourceName(InvalidInput):
    """The name of a source is not one that evidence can carry."""

    code = "proofing-source-name"
    title = "The name of the proofing source cannot be used."
    title_zh = "核验来源名称不可用。"


class DocumentKindMismatch(InvalidInput):
    """The document is of a kind that does not show the person's number, so it proves nothing about it."""

    code = "document-kind-mismatch"
    title = "This kind of document does not show the person's number."
    title_zh = "该类证件不载有此人的登记号码。"
    remedy = "Use the document whose number is registered, or record the other number first."
    remedy_zh = "请使用登记号码所属的证件，或先登记另一证件号码。"


class DocumentExpired(InvalidInput):
    """The document's last day has passed."""

    code = "document-expired"
    title = "The document has expired."
    title_zh = "证件已过有效期。"
    remedy = "Use a document that is valid today."
    remedy_zh = "请使用有效期内的证件。"


class NumberOfKindHeld(Conflict):
    """A person has one resident number, an organisation one credit code: a second one is a duplicate to be merged."""

    code = "number-of-kind-held"
    title = "The person already has a number of this kind."
    title_zh = "该主体已登记同类号码。"
    remedy = "If both numbers are one person's, have the accounts merged."
    remedy_zh = "如两个号码属于同一主体，请办理账号合并。"


class NumberOfOtherSubject(InvalidInput):
    """A natural person's number was given for an organisation, or the other way round."""

    code = "number-of-other-subject"
    title = "Numbers of natural and of legal persons do not belong to one account."
    title_zh = "自然人与法人的号码不能归于同一账号。"


class LegalPersonDoesNotApply(InvalidInput):
    """An organisation has no account of its own to sign in with: its representative has."""

    code = "legal-person-does-not-apply"
    title = "An organisation does not register by itself."
    title_zh = "法人不能自行注册账号。"
    remedy = "The legal representative registers as a natural person and then acts for the organisation."
    remedy_zh = "请由法定代表人以自然人身份注册后代表该法人办理。"


class ClerkProofsThemselves(NotAllowed):
    """A clerk may not raise the level of their own account (law 9)."""

    code = "clerk-proofs-themselves"
    title = "A clerk may not check their own document."
    title_zh = "窗口人员不得核验本人证件。"
    remedy = "Have another clerk do it."
    remedy_zh = "请由其他窗口人员办理。"


class AccountControlNotShown(NotAllowed):
    """The code from the person's own device is not this account's, was used, or is too old."""

    code = "account-control-not-shown"
    title = "The code does not show that the account is this person's."
    title_zh = "该验证码不能证明账号属于本人。"
    remedy = "Have the person show a fresh code, or hand out a recovery code first."
    remedy_zh = "请本人出示新的验证码，或先发放恢复码。"


class AccountControlNeeded(NotAllowed):
    """Somebody can sign in to this account, and nobody has shown that it is the person of the document.

    One clerk alone neither makes a stranger's password trusted nor takes an account from its holder (docs/adr/0014).
    """

    code = "account-control-needed"
    title = "Somebody can sign in to this account already; show first that it is this person."
    title_zh = "该账号已有登录方式，请先证明账号属于本人。"
    remedy = (
        "Have the person sign in on their phone and show its code. If they cannot, hand out a recovery code, have a "
        "second clerk release it, and proof again once they have set a new password."
    )
    remedy_zh = "请本人在手机上登录并出示二维码；无法登录的，请发放恢复码并由另一名工作人员复核，本人重设密码后再核验。"


class ClerkDayFull(RateLimited):
    """The clerk did as many acts on accounts today as one clerk may (setting `clerk_acts_per_day`)."""

    code = "clerk-day-full"
    title = "This clerk has reached today's limit of acts on accounts."
    title_zh = "该工作人员今日的账号业务量已达上限。"
    remedy = "Another clerk goes on; the security officer sees this in the log."
    remedy_zh = "请由其他工作人员办理；安全管理员可在日志中看到此情况。"
    retryable = False


class AccountApproverRequests(SamePerson):
    """Whoever asks for a change to an account does not approve it (law 9)."""

    title = "The person who asks for the change of an account may not approve it."
    title_zh = "账号变更的申请人不得审批自己的申请。"
    remedy = "Have another officer approve it."
    remedy_zh = "请由另一名管理人员审批。"


class OwnAccount(NotAllowed):
    """An officer may not decide about their own account (law 9)."""

    code = "own-account"
    title = "Nobody decides about their own account."
    title_zh = "不得处理本人账号的事项。"
    remedy = "Have another officer do it."
    remedy_zh = "请由另一名管理人员办理。"


class MergeUnfit(Conflict):
    """The two accounts cannot be one: the same account, another kind of person, or one is not active."""

    code = "merge-unfit"
    title = "These two accounts cannot be merged."
    title_zh = "这两个账号不能合并。"
    remedy = "Both must be active, different, and both natural or both legal persons; end the duplicate's office first."
    remedy_zh = "两个账号须均为可用、互不相同，且同为自然人或法人；重复账号任职的，须先免去。"
