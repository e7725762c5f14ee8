"""What the register of matters, counters and clerks refuses."""

from trust.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound


class MatterCodeInvalid(InvalidInput):
    """The code of a matter has a form that cannot be used in requests and logs."""

    code = "matter-code-invalid"
    title = "The code of the matter cannot be used."
    title_zh = "事项编码不可用。"
    remedy = "Use 1 to 40 letters, digits, dots, hyphens and underscores, beginning with a letter or digit."
    remedy_zh = "请使用 1 至 40 个字母、数字、点、连字符或下划线，并以字母或数字开头。"


class MatterTypesTooMany(InvalidInput):
    """A matter lists more certificate types than any real one needs."""

    code = "matter-types-too-many"
    title = "The matter lists too many certificate types."
    title_zh = "事项所列证照类型过多。"
    remedy = "Split the matter: one matter reads only what its own decision needs."
    remedy_zh = "请拆分事项：一个事项只读取其办理所必需的证照。"


class MatterTaken(Conflict):
    """Another matter already has this code; matters never change and codes are never used again."""

    code = "matter-taken"
    title = "A matter with this code is already registered."
    title_zh = "该编码的事项已登记。"
    remedy = "Register the changed matter under a new code and retire the old one."
    remedy_zh = "请以新编码登记变更后的事项，并停用原事项。"


class MatterUnknown(NotFound):
    """No matter has this code."""

    code = "matter-unknown"
    title = "No matter is registered under this code."
    title_zh = "没有以此编码登记的事项。"
    remedy = "GET /api/v1/matters lists all matters."
    remedy_zh = "可用 GET /api/v1/matters 查询全部事项。"


class MatterRetired(NotFound):
    """The matter is no longer offered; what was done for it stays on record."""

    code = "matter-retired"
    title = "The matter is no longer offered."
    title_zh = "该事项已停用。"
    remedy = "Choose the matter that took its place; GET /api/v1/matters lists those in force."
    remedy_zh = "请改用替代事项；可用 GET /api/v1/matters 查询现行事项。"


class CounterSystemsInvalid(InvalidInput):
    """Too many systems are to stand on one counter."""

    code = "counter-systems-invalid"
    title = "The list of systems of the counter cannot be used."
    title_zh = "窗口的系统清单不可用。"
    remedy = "Name only the systems with which clerks really work at this counter."
    remedy_zh = "请只列出该窗口实际使用的系统。"


class CounterNameTaken(Conflict):
    """The authority already has a counter of this name: citizens could not tell them apart in their log."""

    code = "counter-name-taken"
    title = "The authority already has a counter of this name."
    title_zh = "该部门已有同名窗口。"
    remedy = "Choose another name, such as one with the hall and the window's number."
    remedy_zh = "请使用其他名称，例如加上大厅名与窗口号。"


class CounterUnknown(NotFound):
    """No counter has this id, or it is another authority's and the caller may not see it."""

    code = "counter-unknown"
    title = "No such counter is registered."
    title_zh = "没有登记此窗口。"


class CounterClosed(Conflict):
    """The counter was closed for good."""

    code = "counter-closed"
    title = "The counter is closed."
    title_zh = "该窗口已撤销。"
    remedy = "Work at an open counter; a closed one does not come back."
    remedy_zh = "请在现用窗口办理；已撤销的窗口不能恢复。"


class CounterOfAnotherAuthority(NotAllowed):
    """A clerk belongs to one authority and is posted to its counters only."""

    code = "counter-of-another-authority"
    title = "The counter belongs to another authority than the clerk."
    title_zh = "窗口与窗口人员不属于同一部门。"
    remedy = "Post the clerk to counters of their own authority."
    remedy_zh = "请将窗口人员派驻至本部门的窗口。"


class SystemUnusable(InvalidInput):
    """A system that is to stand on a counter is disabled."""

    code = "counter-system-unusable"
    title = "The system cannot stand on a counter."
    title_zh = "该系统不能用于窗口。"
    remedy = "Name a registered client that is not disabled."
    remedy_zh = "请指定已登记且未停用的客户端。"


class StaffNumberInvalid(InvalidInput):
    """The staff number (工号) has a form that cannot be used."""

    code = "staff-number-invalid"
    title = "The staff number cannot be used."
    title_zh = "工号不可用。"
    remedy = "Use 1 to 20 letters, digits and hyphens."
    remedy_zh = "请使用 1 至 20 个字母、数字或连字符。"


class ClerkCountersInvalid(InvalidInput):
    """A clerk is to be posted to too many counters at once."""

    code = "clerk-counters-invalid"
    title = "The list of counters of the clerk cannot be used."
    title_zh = "窗口人员的派驻清单不可用。"
    remedy = "Post the clerk only to counters where they really work."
    remedy_zh = "请只派驻到实际工作的窗口。"


class ClerkRegistered(Conflict):
    """The person is a clerk already, here or elsewhere, or the staff number is or was in use at this authority."""

    code = "clerk-registered"
    title = "The person or the staff number is already registered as a clerk."
    title_zh = "该人员或工号已登记为窗口人员。"
    remedy = "Re-enable the former registration, or disable the one at the other authority first."
    remedy_zh = "请恢复原有登记，或先在另一部门停用其登记。"


class ClerkUnknown(NotFound):
    """No clerk has this id, or it is another authority's and the caller may not see it."""

    code = "clerk-unknown"
    title = "No such clerk is registered."
    title_zh = "没有登记此窗口人员。"


class ClerkNotEligible(NotAllowed):
    """Only an active natural person whose identity was matched against a register can be a clerk."""

    code = "clerk-not-eligible"
    title = "This person cannot be registered as a clerk."
    title_zh = "该人员不能登记为窗口人员。"
    remedy = "The person must have an active account of their own and prove their identity first."
    remedy_zh = "该人员须有本人的有效账号，并先完成实名核验。"


class ClerkDisabled(NotAllowed):
    """The clerk was disabled and may not act."""

    code = "clerk-disabled"
    title = "The clerk is disabled."
    title_zh = "该窗口人员已停用。"
    remedy = "Have the clerk re-enabled: one administrator asks, another approves."
    remedy_zh = "请申请恢复：一名管理员申请，另一名管理员批准。"


class ClerkNotDisabled(Conflict):
    """A clerk who is not disabled cannot be re-enabled."""

    code = "clerk-not-disabled"
    title = "The clerk is not disabled."
    title_zh = "该窗口人员未被停用。"


class ClerkNotPosted(NotAllowed):
    """The clerk is not posted to this counter."""

    code = "clerk-not-posted"
    title = "The clerk is not posted to this counter."
    title_zh = "该窗口人员未派驻此窗口。"
    remedy = "Work at a counter to which you are posted, or ask for a change of posting."
    remedy_zh = "请在派驻的窗口办理，或申请变更派驻。"


class ChangeUnknown(NotFound):
    """No request for a clerk has this id."""

    code = "clerk-change-unknown"
    title = "No such request is known."
    title_zh = "没有此项申请。"


class ChangeDecided(Conflict):
    """The request was decided before."""

    code = "clerk-change-decided"
    title = "The request was already decided."
    title_zh = "该申请已处理。"


class ChangeLapsed(Conflict):
    """The request waited too long: what it asks may no longer be wanted."""

    code = "clerk-change-lapsed"
    title = "The request has lapsed."
    title_zh = "该申请已失效。"
    remedy = "Make a new request; one is decided within 30 days."
    remedy_zh = "请重新申请；申请须在 30 日内处理。"
