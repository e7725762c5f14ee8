"""What the offices of administration can refuse (三员分立)."""

from trust.authority.errors import SamePerson
from trust.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound


class RoleHeld(Conflict):
    """The person holds an office, or is proposed for one: nobody holds two of the three (三员分立)."""

    code = "role-held"
    title = "The person holds an office or is proposed for one."
    title_zh = "该人员已任职或已被提名。"
    remedy = "End the other office or proposal first; nobody holds two of the three offices."
    remedy_zh = "请先免去其他职务或撤回提名；一人不得兼任三员中的两职。"


class RoleGrantUnknown(NotFound):
    """There is no such proposal or office."""

    code = "role-grant-unknown"
    title = "There is no such proposal or office."
    title_zh = "没有该提名或任职。"


class RoleDecided(Conflict):
    """The proposal was decided, or the office has ended."""

    code = "role-decided"
    title = "The proposal was decided, or the office has ended."
    title_zh = "该提名已处理，或该任职已结束。"


class RoleMissing(NotAllowed):
    """The caller does not hold the office that this needs."""

    code = "role-missing"
    title = "This needs an office that the caller does not hold."
    title_zh = "此操作需要相应的管理职务。"
    remedy = "Ask the officer named in the detail."
    remedy_zh = "请联系详情所列的管理人员。"


class RoleApproverProposes(SamePerson):
    """Proposing and approving an office takes two officers, neither of whom is the candidate (law 9)."""

    title = "The candidate, the proposer and the approver of an office are three persons."
    title_zh = "任职的候选人、提名人与批准人须为三个不同的人。"


class RolesFounded(Conflict):
    """The three first officers are installed once; all later ones are proposed and approved."""

    code = "roles-founded"
    title = "The first officers have been installed."
    title_zh = "首任三员已经设立。"
    remedy = "Propose the next officer and have the security administrator approve."
    remedy_zh = "请由系统管理员提名，安全管理员批准。"


class LastOfficer(Conflict):
    """The office would be left without anyone, and nobody could ever fill it again."""

    code = "last-officer"
    title = "The last holder of an office cannot be released."
    title_zh = "不能免去某职务的最后一名任职者。"
    remedy = "Install a successor first."
    remedy_zh = "请先任命继任者。"


class RolesIncomplete(InvalidInput):
    """The first officers are three: one for each office."""

    code = "roles-incomplete"
    title = "The first officers are one for each of the three offices."
    title_zh = "首任三员须分别对应三个职务。"
    remedy = "Name a system administrator, a security administrator and an auditor."
    remedy_zh = "请分别指定系统管理员、安全管理员和安全审计员。"
