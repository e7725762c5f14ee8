"""What applying for a relying system can refuse."""

from trust.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotReady


class ApplicationUnknown(NotFound):
    """No application has this id."""

    code = "system-application-unknown"
    title = "There is no such application."
    title_zh = "没有此项接入申请。"


class ApplicationDecided(Conflict):
    """The application was approved or refused before."""

    code = "system-application-decided"
    title = "The application was already decided."
    title_zh = "该申请已处理。"


class ApplicationLapsed(Conflict):
    """The application waited too long: what it asks for may no longer be wanted."""

    code = "system-application-lapsed"
    title = "The application has lapsed."
    title_zh = "该申请已失效。"
    remedy = "Apply anew; an application is decided within 30 days."
    remedy_zh = "请重新申请；申请须在 30 日内处理。"


class ApplicationOverrun(Conflict):
    """The registration changed after the application was made: approving it would undo what others approved."""

    code = "system-application-overrun"
    title = "The registration has changed since the application was made."
    title_zh = "申请提出后登记信息已变更。"
    remedy = "Refuse this application and have a new one made from the present registration."
    remedy_zh = "请驳回本申请，并按现有登记信息重新申请。"


class ScopeReasonMissing(InvalidInput):
    """A right that opens much was asked for without saying what for."""

    code = "scope-reason-missing"
    title = "This right needs a reason of its own."
    title_zh = "该权限须单独说明理由。"
    remedy = "Say under reasons what the system does with the right named, or leave the right out."
    remedy_zh = "请说明系统为何需要所列权限，或不申请该权限。"


class NotRelying(Conflict):
    """The client only calls the API for itself: there is no registration for sign-in to change."""

    code = "client-not-relying"
    title = "This client is not a system that people sign in to."
    title_zh = "该客户端不是用户登录的业务系统。"
    remedy = "Apply for a new system; `yinxin sso list` shows which client is which."
    remedy_zh = "请申请登记新系统；`yinxin sso list` 可查看各客户端类型。"


class ApproverMissing(InvalidInput):
    """What concerns a system that people sign in to takes two people; one or both were not named."""

    code = "approver-missing"
    title = "Two people must be named: who asks and who approves."
    title_zh = "须同时写明申请人与批准人。"
    remedy = "Give --requested-by, --approved-by and --reason."
    remedy_zh = "请提供 --requested-by、--approved-by 和 --reason。"


class SecretNotDue(Conflict):
    """The application is not approved, brought no secret, or its secret was shown before."""

    code = "client-secret-not-due"
    title = "There is no secret to be shown for this application."
    title_zh = "该申请没有可显示的客户端密钥。"
    remedy = "Wait for the approval. A secret is shown once; if it was lost, apply for another one."
    remedy_zh = "请等待批准。客户端密钥只显示一次；如已遗失，请申请更换。"


class NotTheOwner(NotAllowed):
    """A secret goes to the one who applied, and to nobody else."""

    code = "client-secret-not-yours"
    title = "The secret is shown to whoever applied, and to nobody else."
    title_zh = "客户端密钥只向申请人本人显示。"


class SandboxNotAllowed(NotAllowed):
    """The installation admits no sandbox systems."""

    code = "sandbox-not-allowed"
    title = "This installation admits no sandbox systems."
    title_zh = "本系统不接纳沙箱系统。"
    remedy = "Use an installation for development, or set YINXIN_SANDBOX=true where no real people are registered."
    remedy_zh = "请使用开发环境；如系统中没有真实用户，可设置 YINXIN_SANDBOX=true。"


class SandboxRuleBroken(InvalidInput):
    """A sandbox would reach beyond the developer's machine or beyond invented people."""

    code = "sandbox-rule"
    title = "A sandbox system cannot have this."
    title_zh = "沙箱系统不允许此项设置。"


class SandboxPresent(NotReady):
    """Sandbox systems are enabled in an installation that admits none."""

    code = "sandbox-present"
    title = "Sandbox systems are enabled, and this installation admits none."
    title_zh = "存在启用中的沙箱系统，而本系统不接纳沙箱系统。"
    remedy = "End each one named in the detail by `yinxin sso disable`, then start again."
    remedy_zh = "请用 `yinxin sso disable` 逐一停用详情所列系统，然后重新启动。"
