"""The one root of every error that leaves a module, and the families that callers tell apart.

An error class is part of the public contract: its `code` is stable, its sentences are shown to people in English
and Chinese, and `docs/errors.md` lists it. A class belongs to exactly one family below; the family decides the HTTP
status (`trust.http.problems`) and the exit code (`portal.exits`), so no class outside those two tables knows a number.
"""

from typing import ClassVar


class TrustError(Exception):
    """Root of all errors of this service.

    `detail` is public: it may be shown to whoever made the request and must hold no secret and no personal number.
    `field` names the offending member of the request. `facts` go to the log only, under the same rule on secrets.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "The service could not complete the request."
    title_zh: ClassVar[str] = "服务未能完成该请求。"
    remedy: ClassVar[str] = "Try again; if it happens again, give the correlation id to the operator."
    remedy_zh: ClassVar[str] = "请重试；如再次出现，请将关联编号告知运维人员。"
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, field: str | None = None, **facts: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.field = field
        self.facts = facts


class InternalFault(TrustError):
    """One of our own guarantees did not hold (for example: a fresh signature does not verify)."""


class MalformedInput(TrustError):
    """The request cannot be read at all: broken JSON, wrong media type, not the expected file format."""

    code = "malformed-input"
    title = "The input cannot be read."
    title_zh = "输入内容无法读取。"
    remedy = "Check the format against the API description and send it again."
    remedy_zh = "请对照接口说明检查格式后重新提交。"


class InvalidInput(TrustError):
    """The request is readable, but a value in it is not acceptable."""

    code = "invalid-input"
    title = "A value is not acceptable."
    title_zh = "某个取值不符合要求。"
    remedy = "Correct the named field and send the request again."
    remedy_zh = "请更正所指字段后重新提交。"


class FieldUnknown(InvalidInput):
    """A member that the operation does not know; a typing error must not be ignored silently."""

    code = "field-unknown"
    title = "The request has a field that is not known here."
    title_zh = "请求中含有此处不认识的字段。"
    remedy = "Remove or rename the named field; the API description lists all fields."
    remedy_zh = "请删除或更名所指字段；接口说明列出全部字段。"


class FieldMissing(InvalidInput):
    """A required member is absent or empty."""

    code = "field-missing"
    title = "A required field is missing."
    title_zh = "缺少必填字段。"
    remedy = "Add the named field."
    remedy_zh = "请补上所指字段。"


class TooLarge(TrustError):
    """The input exceeds a named limit."""

    code = "too-large"
    title = "The input exceeds a size limit."
    title_zh = "输入超过大小上限。"
    remedy = "Send less in one request; the detail names the limit."
    remedy_zh = "请减小单次提交的内容；详情中给出了上限。"


class NotAuthenticated(TrustError):
    """The caller did not prove who it is."""

    code = "not-authenticated"
    title = "The caller is not authenticated."
    title_zh = "调用方未通过身份认证。"
    remedy = "Obtain a token from the token endpoint and send it as a Bearer token."
    remedy_zh = "请先从令牌端点获取令牌，并以 Bearer 方式携带。"


class NotAllowed(TrustError):
    """The caller is known but has no right to this action."""

    code = "not-allowed"
    title = "The caller is not allowed to do this."
    title_zh = "调用方无权执行此操作。"
    remedy = "Ask the administrator of this service for the right named in the detail."
    remedy_zh = "请向本服务管理员申请详情中所列的权限。"


class NotFound(TrustError):
    """There is nothing under this name, or nothing that the caller may see."""

    code = "not-found"
    title = "Nothing was found under this name."
    title_zh = "未找到对应的内容。"
    remedy = "Check the name; it is case-sensitive."
    remedy_zh = "请核对名称，注意区分大小写。"


class Conflict(TrustError):
    """The request contradicts the present state."""

    code = "conflict"
    title = "The request contradicts the present state."
    title_zh = "该请求与当前状态冲突。"
    remedy = "Read the present state, then decide again."
    remedy_zh = "请先查询当前状态，再决定如何处理。"


class RateLimited(TrustError):
    """Too many requests from one caller."""

    code = "rate-limited"
    title = "Too many requests."
    title_zh = "请求过于频繁。"
    remedy = "Wait for the time given in Retry-After and try again."
    remedy_zh = "请等待 Retry-After 所示的时间后重试。"
    retryable = True


class Unavailable(TrustError):
    """A part that is needed does not answer at the moment; the same request may succeed later."""

    code = "unavailable"
    title = "A part of the service is not available at the moment."
    title_zh = "服务的某一部分暂不可用。"
    remedy = "Try again in a moment."
    remedy_zh = "请稍后重试。"
    retryable = True


class NotReady(TrustError):
    """The installation is not in a state to work: home, passphrase, database or library is missing or wrong."""

    code = "not-ready"
    title = "The installation is not ready."
    title_zh = "系统尚未就绪。"
    remedy = "Follow the detail; docs/operations.md describes the set-up."
    remedy_zh = "请按详情处理；部署步骤见 docs/operations.md。"
