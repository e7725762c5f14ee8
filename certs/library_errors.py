"""The errors of issuing, of the library and of onboarding; those of a type's fields are in `certs.errors`."""

from trust.authority.errors import SamePerson
from trust.kernel.errors import Conflict, InternalFault, InvalidInput, NotAllowed, NotFound, NotReady


class HolderKindMismatch(InvalidInput):
    """The certificate type is for another kind of holder."""

    code = "holder-kind-mismatch"
    title = "Certificates of this type are for another kind of holder."
    title_zh = "该类证照的持证主体类型与所提供的不符。"
    remedy = "Use the kind of holder code named in the detail."
    remedy_zh = "请使用详情中所列的持证主体代码类型。"


class ValidityOver(InvalidInput):
    """The validity has ended already on the day of issue."""

    code = "validity-over"
    title = "The validity has already ended."
    title_zh = "有效期已经届满。"
    remedy = "Issue with an end of validity of today or later, or without one."
    remedy_zh = "请将有效期截止日期设为今日或之后，或不设截止日期。"


class IdempotencyKeyInvalid(InvalidInput):
    """The idempotency key is missing or not 8 to 128 plain characters."""

    code = "idempotency-key-invalid"
    title = "The idempotency key is missing or has an unacceptable form."
    title_zh = "缺少幂等键，或其格式不正确。"
    remedy = "Send an Idempotency-Key header of 8 to 128 letters, digits and . _ : - signs, new for each certificate."
    remedy_zh = "请发送 Idempotency-Key 请求头：8 至 128 个字母、数字或 . _ : - 符号，每个证照使用新的键。"


class IdempotencyConflict(Conflict):
    """The idempotency key was used before with another request body."""

    code = "idempotency-conflict"
    title = "The idempotency key was used before with other content."
    title_zh = "该幂等键已用于内容不同的请求。"
    remedy = "Repeat the first request unchanged, or use a new key for a new certificate."
    remedy_zh = "请原样重发首次请求，或为新的证照使用新的键。"


class IssueInProgress(Conflict):
    """Another call works on the same intent at this moment."""

    code = "issue-in-progress"
    title = "This certificate is being issued at this moment."
    title_zh = "该证照正在签发中。"
    remedy = "Repeat the same request with the same key after half a minute."
    remedy_zh = "请在半分钟后以同一幂等键原样重发请求。"
    retryable = True


class IssueAbandoned(Conflict):
    """The request under this idempotency key was given up; its identifier stays unused."""

    code = "issue-abandoned"
    title = "The request under this idempotency key was given up; no certificate was issued."
    title_zh = "该幂等键对应的请求已放弃，未签发证照。"
    remedy = "Remove the cause named in the detail and send the request under a new key."
    remedy_zh = "请排除详情所列原因后，使用新的幂等键重新提交。"


class IssueFailed(InternalFault):
    """Issuing stopped at a fault of our own; the intent is abandoned."""

    code = "issue-failed"
    title = "The certificate could not be issued because of a fault of this service."
    title_zh = "因本服务内部故障，证照未能签发。"
    remedy = "Give the correlation id to the operator, then send the request under a new idempotency key."
    remedy_zh = "请将关联编号告知运维人员，随后使用新的幂等键重新提交。"


class FreshFileInvalid(InternalFault):
    """A file that was just sealed does not verify; it is not released."""

    code = "fresh-file-invalid"
    title = "The freshly sealed certificate does not verify; it was not released."
    title_zh = "新签章的证照文件未通过自检，未予发放。"
    remedy = "Tell the operator: seal, X.509 chain or CRL of the authority need attention."
    remedy_zh = "请告知运维人员检查该机构的印章、证书链或吊销列表。"


class FreshFileUndecided(NotReady):
    """A file that was just sealed cannot be judged for now, as when the CRL is overdue; the issue goes on later."""

    code = "fresh-file-undecided"
    title = "The freshly sealed certificate cannot be verified at the moment; it was not released."
    title_zh = "新签章的证照文件暂时无法自检，未予发放。"
    remedy = "Have a fresh CRL published (yinxin authority crl), then repeat the request with the same key."
    remedy_zh = "请告知运维人员发布新的吊销列表（yinxin authority crl），然后以相同的幂等键重复同一请求。"


class StoredFileAltered(InternalFault):
    """The stored file is not the one that was issued."""

    code = "stored-file-altered"
    title = "The stored file is not the file that was issued."
    title_zh = "库存文件与签发文件不一致。"
    remedy = "Tell the security officer; the file is not handed out."
    remedy_zh = "请告知安全审计员；该文件不予提供。"


class AuthorityNotOnboarded(NotAllowed):
    """The caller's authority is not registered as an issuing authority."""

    code = "authority-not-onboarded"
    title = "The authority is not registered as an issuing authority."
    title_zh = "该机构未登记为颁发机构。"
    remedy = "Ask the administrator of this service to onboard the authority."
    remedy_zh = "请联系本服务管理员为该机构办理接入。"


class AuthorityOnboarded(Conflict):
    """An authority of this credit code is registered already."""

    code = "authority-onboarded"
    title = "An authority of this credit code is registered already."
    title_zh = "该统一社会信用代码的机构已登记。"


class RegionInvalid(InvalidInput):
    """Not a region code of six digits (GB/T 2260)."""

    code = "region-invalid"
    title = "The region code does not have six digits."
    title_zh = "行政区划代码不是6位数字。"


class TypeNotPermitted(NotAllowed):
    """The authority may not issue certificates of this type."""

    code = "type-not-permitted"
    title = "The authority may not issue certificates of this type."
    title_zh = "该机构无权颁发此类证照。"
    remedy = "Ask the administrator of this service to permit the type to the authority."
    remedy_zh = "请联系本服务管理员为该机构开通此证照类型。"


class CertificateUnknown(NotFound):
    """The library holds no certificate of this identifier."""

    code = "certificate-unknown"
    title = "The library holds no certificate of this identifier."
    title_zh = "证照库中没有该标识的证照。"
    remedy = "Check the identifier character by character, or scan the QR code of the certificate."
    remedy_zh = "请逐字核对电子证照标识，或扫描证照上的二维码。"


class PurposeMismatch(NotAllowed):
    """The token was granted for another purpose than the one named."""

    code = "purpose-mismatch"
    title = "The token was granted for another purpose."
    title_zh = "令牌的用途与所述用途不符。"
    remedy = "Leave the purpose out, or name exactly the purpose of the token."
    remedy_zh = "请省略用途，或填写与令牌完全一致的用途。"


class HolderNotOfToken(NotAllowed):
    """A person's token opens the certificates of its subject and of whom they represent, and no other's."""

    code = "holder-not-of-token"
    title = "The token does not open this holder's certificates."
    title_zh = "该令牌不能查阅此持证主体的证照。"
    remedy = "Leave the holder out: the certificates of the token's own holders are returned."
    remedy_zh = "请省略持证主体：将返回该令牌所属主体的证照。"


class CertificateOfAnotherAuthority(NotAllowed):
    """Only the issuing authority changes the state of a certificate."""

    code = "certificate-of-another-authority"
    title = "The certificate was issued by another authority."
    title_zh = "该证照由其他机构颁发。"
    remedy = "Ask the issuing authority to make the change."
    remedy_zh = "请由颁发机构办理变更。"


class TransitionNotAllowed(Conflict):
    """The present state of the certificate does not admit this action."""

    code = "transition-not-allowed"
    title = "The present state of the certificate does not admit this action."
    title_zh = "证照的当前状态不允许此操作。"


class SupersedesMismatch(InvalidInput):
    """A new version must have the type and the holder of the version that it replaces."""

    code = "supersedes-mismatch"
    title = "The new version differs from the replaced one in type or holder."
    title_zh = "新版本与被取代版本的证照类型或持证主体不一致。"
    remedy = "Issue under a new serial, or correct the identifier in `supersedes`."
    remedy_zh = "请作为新证照签发，或更正 supersedes 中的标识。"


class SuccessorInPreparation(Conflict):
    """Another new version of the same certificate is being issued."""

    code = "successor-in-preparation"
    title = "Another new version of this certificate is being issued."
    title_zh = "该证照的另一新版本正在签发中。"
    retryable = True


class RequesterApproves(SamePerson):
    """Whoever asks for a change of state does not approve it (law 9); one code with the same fault at seals."""

    title = "The person who asks for the change may not approve it."
    title_zh = "申请人不得审批自己的申请。"
    remedy = "Have another person of the authority approve the change."
    remedy_zh = "请由本机构另一名人员审批。"


class ShowOver(NotFound):
    """The code on somebody's screen opens nothing: late, voided, signed out, or never ours; none is told apart."""

    code = "show-over"
    title = "This code is no longer valid."
    title_zh = "该二维码已失效。"
    remedy = "Ask the holder to show the certificate again; a code lives for 60 seconds."
    remedy_zh = "请持证人重新出示；二维码仅在 60 秒内有效。"
