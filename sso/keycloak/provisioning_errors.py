"""What keeping a Keycloak realm in step can refuse."""

from trust.kernel.errors import Conflict, NotAllowed, NotReady, Unavailable


class KeycloakNotConfigured(NotReady):
    """No Keycloak is named in the settings, or what is named cannot be used."""

    code = "keycloak-not-configured"
    title = "No Keycloak is configured."
    title_zh = "尚未配置 Keycloak。"
    remedy = "Set YINXIN_KEYCLOAK_URL and YINXIN_KEYCLOAK_ADMIN_SECRET_FILE; docs/keycloak.md has the steps."
    remedy_zh = "请设置 YINXIN_KEYCLOAK_URL 与 YINXIN_KEYCLOAK_ADMIN_SECRET_FILE；步骤见 docs/keycloak.md。"


class KeycloakUnavailable(Unavailable):
    """Keycloak does not answer; what was applied before stays, and the next run does the rest."""

    code = "keycloak-unavailable"
    title = "Keycloak does not answer."
    title_zh = "Keycloak 无响应。"
    remedy = "Check that the server runs, then run the command again: it goes on where it stopped."
    remedy_zh = "请确认服务正在运行后重新执行；命令会从中断处继续。"


class KeycloakNotAdmitted(NotAllowed):
    """Keycloak does not let our client administer the realm."""

    code = "keycloak-not-admitted"
    title = "Keycloak does not admit this client as administrator."
    title_zh = "Keycloak 不允许该客户端管理。"
    remedy = "Check the client's secret and that its service account has the realm role for administration."
    remedy_zh = "请核对客户端密钥，并确认其服务账号具有管理角色。"


class KeycloakRefused(Conflict):
    """Keycloak refused one change; those before it are applied."""

    code = "keycloak-refused"
    title = "Keycloak refused a change."
    title_zh = "Keycloak 拒绝了一项变更。"
    remedy = "Read Keycloak's log for the reason, correct the registration, then run the command again."
    remedy_zh = "请查看 Keycloak 日志中的原因，更正登记信息后重新执行。"


class RealmForeign(Conflict):
    """The realm exists and was not made by this installation."""

    code = "keycloak-realm-foreign"
    title = "The realm exists and does not belong to this installation."
    title_zh = "该 realm 已存在，且不属于本系统。"
    remedy = "Name another realm, or hand this one over: set its attribute yinxin.managed to this service's address."
    remedy_zh = "请另选 realm；或将该 realm 的 yinxin.managed 属性设为本服务地址以完成移交。"


class RealmObjectForeign(Conflict):
    """Something in the realm has a name that we need and was not made by this installation; nothing was changed."""

    code = "keycloak-object-foreign"
    title = "Something of the same name was made by others in the realm."
    title_zh = "realm 中存在他人创建的同名对象。"
    remedy = "Rename or remove what the detail names in Keycloak, then run the command again."
    remedy_zh = "请在 Keycloak 中更名或删除详情所指对象后重新执行。"


class PlanStale(Conflict):
    """The realm or the registrations changed after the plan was made; nothing was changed."""

    code = "keycloak-plan-stale"
    title = "The realm changed after the plan was made."
    title_zh = "计划生成后 realm 又有变动。"
    remedy = "Make a new plan, read it, and apply that one."
    remedy_zh = "请重新生成计划，核对后再执行。"
