"""Refusals of the HTTP edge itself, before any service is asked."""

from trust.kernel.errors import InvalidInput, MalformedInput, NotAllowed, NotAuthenticated, NotFound, TooLarge


class JsonMalformed(MalformedInput):
    """The body is not JSON (RFC 8259), not UTF-8, nested too deeply, or not an object where one is needed."""

    code = "json-malformed"
    title = "The body is not readable JSON."
    title_zh = "请求体不是可读取的 JSON。"
    remedy = "Send one JSON object in UTF-8; the detail names the place of the first fault."
    remedy_zh = "请以 UTF-8 编码发送一个 JSON 对象；详情中给出第一处错误的位置。"


class JsonDuplicateMember(MalformedInput):
    """An object of the body has a member twice: readers would disagree on which one counts (RFC 8259 section 4)."""

    code = "json-duplicate-member"
    title = "The JSON body names the same member twice."
    title_zh = "JSON 请求体中同一成员出现两次。"
    remedy = "Send each member once."
    remedy_zh = "每个成员只发送一次。"


class MediaTypeUnsupported(MalformedInput):
    """The body has another media type than this operation reads."""

    code = "media-type-unsupported"
    title = "The body has a media type that this operation does not read."
    title_zh = "请求体的媒体类型不受此操作支持。"
    remedy = "Set Content-Type to a type that the API description lists for this operation."
    remedy_zh = "请将 Content-Type 设为接口说明中为该操作列出的类型。"


class MethodUnsupported(MalformedInput):
    """The address exists, but not with this HTTP method."""

    code = "method-unsupported"
    title = "This address does not take this HTTP method."
    title_zh = "该地址不支持此 HTTP 方法。"
    remedy = "Use a method listed in the Allow header."
    remedy_zh = "请使用 Allow 响应头中列出的方法。"


class AddressUnknown(NotFound):
    """The service has no such address."""

    code = "address-unknown"
    title = "There is nothing at this address."
    title_zh = "该地址下没有内容。"
    remedy = "Check the address against /docs."
    remedy_zh = "请对照 /docs 检查地址。"


class BodyTooLarge(TooLarge):
    """The body is longer than this operation reads."""

    code = "body-too-large"
    title = "The body exceeds the size limit of this operation."
    title_zh = "请求体超过此操作的大小上限。"


class FieldInvalid(InvalidInput):
    """A member has the wrong type or lies outside its bounds."""

    code = "field-invalid"
    title = "A field has a value that is not acceptable."
    title_zh = "某个字段的取值不符合要求。"


class TokenMissing(NotAuthenticated):
    """The operation needs a Bearer token and the request carries none (RFC 6750 section 2.1)."""

    code = "token-missing"
    title = "The request carries no access token."
    title_zh = "请求未携带访问令牌。"


class ProofRefused(NotAuthenticated):
    """The token is bound to a key and the request does not prove that it has the key (RFC 9449 section 7)."""

    code = "proof-refused"
    title = "The request does not prove possession of the key that the access token is bound to."
    title_zh = "请求未能证明持有访问令牌所绑定的密钥。"
    remedy = "Send a bound token with `Authorization: DPoP` and a fresh proof for this address and method."
    remedy_zh = "绑定密钥的令牌请以 `Authorization: DPoP` 携带，并附上针对该地址和方法新生成的证明。"


class ScopeMissing(NotAllowed):
    """The token is good but was not granted the scope of this operation (RFC 6750 section 3.1)."""

    code = "scope-missing"
    title = "The token does not have the scope that this operation needs."
    title_zh = "令牌不具备此操作所需的权限范围。"
    remedy = "Request a token with the scope named in the detail; the administrator grants scopes to a client."
    remedy_zh = "请申请带有详情中所列范围的令牌；客户端可用的范围由管理员授予。"
