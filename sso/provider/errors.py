"""What registering clients and judging access tokens can refuse."""

from trust.kernel.errors import Conflict, InternalFault, InvalidInput, NotAllowed, NotAuthenticated, NotFound, NotReady


class ClientLabelInvalid(InvalidInput):
    """The name of a client is empty, too long or holds control characters."""

    code = "client-label-invalid"
    title = "The name of the client cannot be used."
    title_zh = "客户端名称不可用。"


class ScopeUnknown(InvalidInput):
    """A scope is none of those that this service knows, or none was named."""

    code = "scope-unknown"
    title = "The scope is not known to this service."
    title_zh = "本服务不存在该权限范围。"
    remedy = "Name at least one of the scopes listed in the detail."
    remedy_zh = "请至少指定详情中所列的一个权限范围。"


class ClientUnknown(NotFound):
    """No client is registered under this id; only operators are told so."""

    code = "client-unknown"
    title = "No client is registered under this id."
    title_zh = "没有以此标识登记的客户端。"


class ClientDisabled(Conflict):
    """The client was disabled for good; only operators are told so."""

    code = "client-disabled"
    title = "The client is disabled."
    title_zh = "该客户端已停用。"
    remedy = "Register a new client; a disabled one does not come back."
    remedy_zh = "请登记新的客户端；已停用的客户端不能恢复。"


class TokenMalformed(NotAuthenticated):
    """The token is not a JWS compact serialization with the claims of RFC 9068 section 2.2."""

    code = "token-malformed"
    title = "The access token cannot be read."
    title_zh = "访问令牌无法读取。"


class TokenForeign(NotAuthenticated):
    """The token was not issued by this service for this API: signer, algorithm, type, issuer or audience differ."""

    code = "token-foreign"
    title = "The access token was not issued by this service for this API."
    title_zh = "该访问令牌不是本服务为此接口签发的。"


class TokenExpired(NotAuthenticated):
    """The token's life is over."""

    code = "token-expired"
    title = "The access token has expired."
    title_zh = "访问令牌已过期。"
    remedy = "Obtain a new token from the token endpoint."
    remedy_zh = "请从令牌端点获取新的令牌。"


class TokenRevoked(NotAuthenticated):
    """The client that the token was issued to no longer exists or was disabled."""

    code = "token-revoked"
    title = "The client of this access token is no longer admitted."
    title_zh = "该访问令牌所属的客户端已不再被接纳。"
    remedy = "Ask the administrator of this service."
    remedy_zh = "请联系本服务管理员。"


class TokenKeyUnusable(NotReady):
    """There is no key that may sign tokens: none at all, or one of another purpose or algorithm."""

    code = "token-key-unusable"
    title = "There is no key that can sign access tokens."
    title_zh = "没有可用于签发访问令牌的密钥。"


class TokenAddressInsecure(NotReady):
    """Client secrets would travel in the clear: the public address is neither https nor this machine's own."""

    code = "token-address-insecure"
    title = "Access tokens cannot be served without https."
    title_zh = "未使用 https，不能提供访问令牌。"
    remedy = "Set YINXIN_PUBLIC_URL to an https address; http is accepted on the loopback address only."
    remedy_zh = "请将 YINXIN_PUBLIC_URL 设为 https 地址；仅本机回环地址可使用 http。"


class RedirectUriInvalid(InvalidInput):
    """A redirect or post-logout address that cannot be registered."""

    code = "redirect-uri-invalid"
    title = "An address to return to cannot be registered."
    title_zh = "回调地址不能登记。"
    remedy = "Register the exact https address, without wildcard, fragment or user name."
    remedy_zh = "请登记完整、准确的 https 地址，不含通配符、片段或用户名。"


class LogoutUriInvalid(InvalidInput):
    """A back-channel logout address that cannot be registered."""

    code = "backchannel-logout-uri-invalid"
    title = "The back-channel logout address cannot be registered."
    title_zh = "后端登出地址不能登记。"


class JwksInvalid(InvalidInput):
    """A client's key set that cannot be registered: unreadable, private, weak, or not for this method."""

    code = "client-jwks-invalid"
    title = "The key set of the client cannot be registered."
    title_zh = "客户端公钥集不能登记。"
    remedy = "Send a JWK set with public keys on P-256 or RSA of 2048 bits and more."
    remedy_zh = "请提供 JWK 公钥集：P-256 公钥，或 2048 位及以上的 RSA 公钥。"


class ResourceInvalid(InvalidInput):
    """An audience that cannot be registered."""

    code = "client-resource-invalid"
    title = "The resource of the client cannot be registered."
    title_zh = "客户端资源标识不能登记。"


class SectorInvalid(InvalidInput):
    """The sector of pairwise subjects is no host name, or cannot be told from the redirect addresses."""

    code = "client-sector-invalid"
    title = "The sector of the client's subjects cannot be determined."
    title_zh = "无法确定客户端的用户标识扇区。"


class SigningAlgorithmUnknown(InvalidInput):
    """No such algorithm signs ID tokens here."""

    code = "signing-algorithm-unknown"
    title = "ID tokens are not signed with this algorithm here."
    title_zh = "本服务不以该算法签发身份令牌。"


class RegistrationNameInvalid(InvalidInput):
    """A matter, a type of certificate or a system in a registration has a form that none has."""

    code = "registration-name-invalid"
    title = "An entry of the registration is not acceptable."
    title_zh = "登记信息中的某一条目不符合要求。"


class ClientWithoutSecret(Conflict):
    """The client authenticates by a key or not at all, so there is no secret to exchange."""

    code = "client-without-secret"
    title = "This client has no secret."
    title_zh = "该客户端不使用客户端密钥。"
    remedy = "Register another key set; or change how the client authenticates."
    remedy_zh = "请更新其公钥集，或变更其认证方式。"


class ConsentUnknown(NotFound):
    """The person has given no such consent."""

    code = "consent-unknown"
    title = "There is no such consent."
    title_zh = "没有该项授权同意。"


class ResourceTaken(Conflict):
    """Two clients cannot be the audience of the same tokens."""

    code = "client-resource-taken"
    title = "Another client is registered under this resource."
    title_zh = "该资源标识已由其他客户端登记。"
    remedy = "Choose another resource address, or change the client that has it."
    remedy_zh = "请改用其他资源地址，或先修改已登记该地址的客户端。"


class TokenTooLarge(InternalFault):
    """A token that would be longer than any of our endpoints reads; its chain or its types grew beyond all plans."""

    code = "token-too-large"
    title = "The access token would exceed its size limit."
    title_zh = "访问令牌将超过大小上限。"


class AuthorizationUnusable(InvalidInput):
    """An authorization request that is answered on a page and never redirected (RFC 6749 section 4.1.2.1).

    Its client or its redirect address is not registered, or it is over: sending the browser on would make this service
    an open redirector (RFC 9700 section 4.11).
    """

    code = "authorization-unusable"
    title = "The sign-in request of the system cannot be used."
    title_zh = "业务系统的登录请求不可用。"
    remedy = "Go back to the system that sent you here and start again; if it happens again, tell its operator."
    remedy_zh = "请返回原业务系统重新发起登录；如再次出现，请告知该系统运维人员。"


class AuthorizationExpired(AuthorizationUnusable):
    """The pending request is over: answered, refused, or older than its life."""

    code = "authorization-expired"
    title = "The sign-in request is over."
    title_zh = "登录请求已失效。"


class AuthorizationMatterOver(AuthorizationUnusable):
    """The matter left the catalogue after the system was registered for it: nobody can consent to it any more."""

    code = "authorization-matter-over"
    title = "The matter of the sign-in request is no longer offered."
    title_zh = "登录请求所办理的事项已停用。"
    remedy = "Go back to the system and choose the matter that took its place, or ask its operator."
    remedy_zh = "请返回业务系统选择替代事项，或咨询该系统运维人员。"


class AuthorizationNotReady(Conflict):
    """An approval without what it needs: a sign-in, a stronger one, or a consent page that this session has seen."""

    code = "authorization-not-ready"
    title = "The sign-in request still needs a step of yours."
    title_zh = "登录请求尚有步骤未完成。"
    remedy = "Open the request again and follow the page."
    remedy_zh = "请重新打开该请求，并按页面提示操作。"


class MandateNotUsable(NotAllowed):
    """The mandate is not one that this person may act on in this matter now."""

    code = "mandate-not-usable"
    title = "You cannot act on this mandate here."
    title_zh = "您不能凭此授权在此办理。"
    remedy = "Choose one of the mandates shown, or act for yourself."
    remedy_zh = "请选择页面所列的授权，或以本人身份办理。"


class AuthorizationRefused(InvalidInput):
    """An authorization request whose refusal goes to the client: send the browser to `redirect_to` with status 303.

    `error` is the name of the RFC; the address holds it with `state` and `iss` (RFC 9207).
    """

    code = "authorization-refused"
    title = "The sign-in request was refused."
    title_zh = "登录请求被拒绝。"

    def __init__(self, error: str, *, redirect_to: str) -> None:
        super().__init__(error=error)
        self.error = error
        self.redirect_to = redirect_to
