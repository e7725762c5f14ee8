"""What can go wrong in the PKI of an installation."""

from trust.kernel.errors import Conflict, InternalFault, InvalidInput, NotAllowed, NotFound, NotReady


class AuthorityNotEstablished(NotReady):
    """There is no root or issuing CA yet, or its making was interrupted."""

    code = "authority-not-established"
    title = "The certificate authority of this installation is not established."
    title_zh = "本系统的证书签发机构尚未建立。"
    remedy = "Run `yinxin init`; it also finishes what was interrupted."
    remedy_zh = "请运行 `yinxin init`；被中断的步骤也会由它完成。"


class AuthorityAlreadyEstablished(Conflict):
    """The CAs exist under another name than the one asked for."""

    code = "authority-already-established"
    title = "The certificate authority is already established under another name."
    title_zh = "证书签发机构已用其他名称建立。"
    remedy = "Keep the present name, or make a new installation with a home of its own."
    remedy_zh = "请沿用现有名称，或在新的目录中另行安装。"


class RootCeremonyPending(NotReady):
    """The issuing key waits for the root of a ceremony."""

    code = "root-ceremony-pending"
    title = "The root of this installation comes from a ceremony, and has not come yet."
    title_zh = "本系统的根证书来自根密钥仪式，尚未导入。"
    remedy = "Hold the ceremony (docs/ceremony.md), then run `yinxin keys ceremony import` and `yinxin init`."
    remedy_zh = "请举行根密钥仪式（docs/ceremony.md），再运行 `yinxin keys ceremony import` 和 `yinxin init`。"


class RootNotAdoptable(InvalidInput):
    """What was brought from a ceremony does not belong together, or not to this installation."""

    code = "root-not-adoptable"
    title = "The files of the root cannot be taken over."
    title_zh = "根证书文件无法导入。"
    remedy = "Bring all files of one ceremony that was held with this installation's own request."
    remedy_zh = "请导入以本系统请求文件举行的同一次仪式的全部文件。"


class IssuingCaUnusable(NotReady):
    """The issuing CA is revoked, or ends before the certificate that is asked for."""

    code = "issuing-ca-unusable"
    title = "The issuing CA cannot issue this certificate."
    title_zh = "签发 CA 当前不能签发该证书。"
    remedy = "Establish a new issuing CA; the present one is revoked or close to its end."
    remedy_zh = "请建立新的签发 CA；现有签发 CA 已吊销或即将到期。"


class ProfileNotIssuable(InvalidInput):
    """A CA profile was asked of the operation that issues to end entities."""

    code = "x509-profile-not-issuable"
    title = "This certificate profile is not issued on request."
    title_zh = "该证书模板不对外签发。"
    remedy = "Ask for the profile seal-maker or seal-signer."
    remedy_zh = "请使用 seal-maker 或 seal-signer 模板。"


class RequestIdReused(Conflict):
    """The same request id came with another subject, key or profile."""

    code = "x509-request-id-reused"
    title = "This request id belongs to another certificate."
    title_zh = "该请求编号已用于另一张数字证书。"
    remedy = "Use a new request id for a new certificate."
    remedy_zh = "申请新证书请使用新的请求编号。"


class SerialCollision(InternalFault):
    """A fresh random serial number is already in use, which means that the random source is broken."""

    code = "x509-serial-collision"
    title = "A fresh serial number was already in use."
    title_zh = "新生成的证书序列号已被占用。"
    remedy = "Stop issuing and have the machine's source of randomness examined."
    remedy_zh = "请停止签发并检查本机的随机数来源。"


class X509Unknown(NotFound):
    """No certificate with this serial number was issued here."""

    code = "x509-unknown"
    title = "No X.509 certificate with this serial number was issued here."
    title_zh = "本机构未签发过该序列号的数字证书。"


class X509NotRevocable(InvalidInput):
    """The certificate or the reason does not admit a revocation."""

    code = "x509-not-revocable"
    title = "This certificate cannot be revoked in this way."
    title_zh = "该数字证书不能以此方式吊销。"
    remedy = "Give a lasting reason; a root is not revoked but taken out of the relying systems."
    remedy_zh = "请给出终局性的吊销原因；根证书不能吊销，应从依赖系统中移除。"


class X509AlreadyRevoked(Conflict):
    """The certificate was revoked before, for another reason."""

    code = "x509-already-revoked"
    title = "The certificate was already revoked for another reason."
    title_zh = "该数字证书此前已以其他原因吊销。"


class SamePerson(NotAllowed):
    """Whoever asks for a revocation does not approve it (law 9)."""

    code = "same-person"
    title = "The person who asks cannot be the one who approves."
    title_zh = "申请人与批准人不能为同一人。"
    remedy = "Have another administrator approve it."
    remedy_zh = "请由另一名管理员批准。"


class CrlDaysUnusable(InvalidInput):
    """The life of a revocation list is out of bounds."""

    code = "crl-days-unusable"
    title = "A revocation list cannot be valid for so many days."
    title_zh = "吊销列表的有效天数超出范围。"


class CrlMissing(NotReady):
    """No revocation list was published yet."""

    code = "crl-missing"
    title = "No revocation list was published yet."
    title_zh = "尚未发布吊销列表。"
    remedy = "Run `yinxin authority crl`."
    remedy_zh = "请运行 `yinxin authority crl`。"


class CrlOverdue(NotReady):
    """The published revocation list has passed its nextUpdate: nobody can rely on it any more."""

    code = "crl-overdue"
    title = "The published revocation list has expired."
    title_zh = "已发布的吊销列表已过期。"
    remedy = "Run `yinxin authority crl` and check in the log why the service did not."
    remedy_zh = "请运行 `yinxin authority crl`，并在日志中检查服务未自动发布的原因。"
