"""What can go wrong with making seals and stamping with them."""

from trust.kernel.errors import Conflict, InternalFault, InvalidInput, NotFound, NotReady, TooLarge


class SealTextUnusable(InvalidInput):
    """A name, code or line cannot stand on a seal."""

    code = "seal-text-unusable"
    title = "The seal's text cannot be used."
    title_zh = "印章文字不可用。"


class SealUnknown(NotFound):
    """There is no seal of this id."""

    code = "seal-unknown"
    title = "There is no such seal."
    title_zh = "印章不存在。"


class SealCodeTaken(Conflict):
    """Another seal carries this 13-digit code already."""

    code = "seal-code-taken"
    title = "This seal code is in use."
    title_zh = "该印章编码已被使用。"
    remedy = "Obtain a code of its own for this seal; codes of cancelled seals are not used again."
    remedy_zh = "请为该印章申请独立编码；已注销印章的编码不得再用。"


class SealStateConflict(Conflict):
    """The seal is not in a state in which this can be done."""

    code = "seal-state"
    title = "The seal is not in the state that this needs."
    title_zh = "印章当前状态不允许该操作。"


class SealNotMade(SealStateConflict):
    """The seal was applied for, but is not made yet."""

    code = "seal-not-made"
    title = "The seal has not been made yet."
    title_zh = "印章尚未制作完成。"
    remedy = "Have the application approved by another seal administrator."
    remedy_zh = "请由另一名印章管理员审批该申请。"


class SealSuspended(SealStateConflict):
    """The seal is suspended."""

    code = "seal-suspended"
    title = "The seal is suspended."
    title_zh = "印章已停用。"
    remedy = "Ask the seal administrator why; a suspended seal can be resumed."
    remedy_zh = "请向印章管理员了解原因；停用的印章可以恢复。"


class SealCancelled(SealStateConflict):
    """The seal is cancelled for good."""

    code = "seal-cancelled"
    title = "The seal is cancelled."
    title_zh = "印章已注销。"
    remedy = "Apply for a new seal."
    remedy_zh = "请重新申请印章。"


class SealNotInForce(SealStateConflict):
    """The present moment lies outside the validity of the seal or of its signer's certificate."""

    code = "seal-not-in-force"
    title = "The seal is not valid at this time."
    title_zh = "印章不在有效期内。"
    remedy = "Apply for a new seal when the old one has expired."
    remedy_zh = "印章到期后请重新申请。"


class SealSignerNotListed(Conflict):
    """The key that is to sign is not that of a certificate which the seal lists."""

    code = "seal-signer-not-listed"
    title = "The signing key is not among those that may use this seal."
    title_zh = "签名密钥不在该印章的授权证书列表中。"
    remedy = "Have the seal remade for the new certificate of its owner."
    remedy_zh = "签章人证书更新后，请重新制作印章。"


class SealBroken(InternalFault):
    """A stored seal does not verify: it was altered after it was made."""

    code = "seal-broken"
    title = "The stored seal failed its integrity check."
    title_zh = "已存印章未通过完整性校验。"
    remedy = "Tell the security officer: the seal's data was altered. Stamp nothing with it."
    remedy_zh = "请告知安全审计员：印章数据被改动，不得继续使用。"


class NoMakingPoint(NotReady):
    """This process cannot make seals: it was started without the means, or no maker is established."""

    code = "seal-making-unavailable"
    title = "Seals cannot be made here."
    title_zh = "此处不能制作印章。"
    remedy = "Make seals with the operator's command line after `yinxin init`."
    remedy_zh = "请在执行 `yinxin init` 后使用运维命令行制作印章。"


class PlacementUnusable(InvalidInput):
    """The seal would not lie wholly on the page."""

    code = "placement-unusable"
    title = "The seal cannot be placed there."
    title_zh = "印章位置不可用。"
    remedy = "Give a page of the document and a place where the whole seal lies on it."
    remedy_zh = "请指定文档内的页码及印章可完整落下的位置。"


class PdfAlreadySigned(Conflict):
    """The file carries a signature, which rewriting it would destroy."""

    code = "pdf-already-signed"
    title = "The PDF is already signed."
    title_zh = "该 PDF 已签名。"
    remedy = "Add a further seal by countersigning, or start from the unsigned document."
    remedy_zh = "请使用会签方式加盖，或从未签名的文档重新开始。"


class PdfChangesForbidden(Conflict):
    """The first signature forbids every later change, further seals included."""

    code = "pdf-changes-forbidden"
    title = "The first seal forbids further seals on this file."
    title_zh = "首个签章已禁止对该文件再次签章。"
    remedy = "Stamp the unsigned document anew, permitting further seals."
    remedy_zh = "请对未签名文档重新签章，并允许后续会签。"


class PdfUnstampable(InvalidInput):
    """The PDF is readable but holds something that a stamp cannot be joined to."""

    code = "pdf-unstampable"
    title = "This PDF cannot be stamped."
    title_zh = "该 PDF 无法签章。"
    remedy = "Render the document again as plain PDF/A and stamp that."
    remedy_zh = "请将文档重新生成为标准 PDF/A 后再签章。"


class BatchTooLarge(TooLarge):
    """More documents than are stamped in one call."""

    code = "stamp-batch-too-large"
    title = "Too many documents in one batch."
    title_zh = "单批文件数量过多。"
    remedy = "Split the batch; the detail names the limit."
    remedy_zh = "请分批提交；详情中给出了上限。"
