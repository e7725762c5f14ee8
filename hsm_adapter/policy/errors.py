"""What a key's policy forbids, and what can be wrong with the policy itself."""

from trust.kernel.errors import Conflict, InternalFault, InvalidInput, NotAllowed, NotFound, NotReady


class KeySuspended(NotAllowed):
    """The key was suspended; two people may resume it."""

    code = "key-suspended"
    title = "The key is suspended."
    title_zh = "该密钥已暂停使用。"
    remedy = "Find out why with `yinxin keys show`; two people resume it with `yinxin keys propose`."
    remedy_zh = "请用 `yinxin keys show` 查看原因；恢复使用须经两人以 `yinxin keys propose` 办理。"


class KeyNotActive(NotAllowed):
    """The key was made and nobody has activated it yet."""

    code = "key-not-active"
    title = "The key has not been activated."
    title_zh = "该密钥尚未启用。"
    remedy = "Propose its activation with `yinxin keys propose activate`; another person approves."
    remedy_zh = "请用 `yinxin keys propose activate` 申请启用，由另一人批准。"


class CallerNotAllowed(NotAllowed):
    """The policy names who may use the key, and this caller is not among them."""

    code = "key-caller-not-allowed"
    title = "This caller may not use the key."
    title_zh = "该调用方不得使用此密钥。"
    remedy = "Use another key, or have two people change the key's policy."
    remedy_zh = "请使用其他密钥，或由两人办理策略变更。"


class KeyOutsideHours(NotAllowed):
    """The policy permits the key within certain hours only."""

    code = "key-outside-hours"
    title = "The key may not be used at this hour."
    title_zh = "当前不在该密钥的可用时段内。"
    remedy = "Try again within the hours that `yinxin keys show` lists."
    remedy_zh = "请在 `yinxin keys show` 所列时段内重试。"


class KeyValidityOver(NotAllowed):
    """The moment is outside the validity of the policy, before its beginning or after its end."""

    code = "key-validity-over"
    title = "The key may not be used at this date."
    title_zh = "该密钥不在有效期内。"
    remedy = "Rotate the key, or have two people change its validity."
    remedy_zh = "请轮换该密钥，或由两人办理有效期变更。"


class KeyCountExhausted(NotAllowed):
    """The key has made as many signatures as its policy permits, or would with this call."""

    code = "key-count-exhausted"
    title = "The key has made all the signatures that its policy permits."
    title_zh = "该密钥的签名次数已用完。"
    remedy = "Rotate the key, or have two people raise the limit."
    remedy_zh = "请轮换该密钥，或由两人办理上限变更。"


class KeyPolicyBroken(InternalFault):
    """The stored changes of a key are not those that were signed: altered, deleted, put in another order, or forged."""

    code = "key-policy-broken"
    title = "The record of what this key may do was tampered with; the key does not sign."
    title_zh = "该密钥的策略记录被篡改，密钥停止签名。"
    remedy = "Tell the security officer; docs/operations.md, section Keys, says how to find out and go on."
    remedy_zh = "请告知安全审计员；查明与恢复步骤见 docs/operations.md 密钥一节。"


class KeyPolicyInvalid(InvalidInput):
    """A member of a policy cannot be used; `field` names it."""

    code = "key-policy-invalid"
    title = "The key policy cannot be used."
    title_zh = "密钥策略不可用。"
    remedy = "Correct the named member; docs/operations.md, section Keys, lists them."
    remedy_zh = "请更正所指成员；各成员见 docs/operations.md 密钥一节。"


class KeyChangeForbidden(Conflict):
    """The key's present state does not permit this change."""

    code = "key-change-forbidden"
    title = "The key's present state does not permit this change."
    title_zh = "密钥当前状态不允许此变更。"
    remedy = "Look at the key with `yinxin keys show`, then decide again."
    remedy_zh = "请先用 `yinxin keys show` 查看密钥，再作决定。"


class KeyChangedMeanwhile(Conflict):
    """Another change of the same key was decided at the same moment."""

    code = "key-changed-meanwhile"
    title = "The key was changed by somebody else meanwhile."
    title_zh = "该密钥已同时被他人变更。"
    remedy = "Look at the key, then try again."
    remedy_zh = "请查看密钥现状后重试。"
    retryable = True


class KeyOverlapRunning(Conflict):
    """The key before is kept until the overlap with its successor is over."""

    code = "key-overlap-running"
    title = "The key is still kept beside its successor."
    title_zh = "该密钥仍处于新旧交替期。"
    remedy = "Retire it when the overlap is over; suspend it at once if somebody else may have it."
    remedy_zh = "请在交替期结束后停用；如疑似泄露，请立即暂停。"


class ProposalUnknown(NotFound):
    """There is no proposal of this id."""

    code = "key-proposal-unknown"
    title = "There is no such proposal."
    title_zh = "没有该申请。"
    remedy = "List the proposals with `yinxin keys proposals`."
    remedy_zh = "请用 `yinxin keys proposals` 查看申请。"


class ProposalDecided(Conflict):
    """The proposal was approved or refused already."""

    code = "key-proposal-decided"
    title = "The proposal was decided already."
    title_zh = "该申请已办结。"
    remedy = "Make a new proposal if it is still wanted."
    remedy_zh = "如仍需要，请重新申请。"


class ProposalLapsed(Conflict):
    """The proposal waited too long for another person."""

    code = "key-proposal-lapsed"
    title = "The proposal has lapsed."
    title_zh = "该申请已过期。"
    remedy = "Make a new proposal if it is still wanted."
    remedy_zh = "如仍需要，请重新申请。"


class PolicyKeyMissing(NotReady):
    """No active key of the purpose key-policy is there to sign the change."""

    code = "policy-key-missing"
    title = "No key can sign this change."
    title_zh = "没有可签署此变更的密钥。"
    remedy = "Run `yinxin init` for the first policy key. To end one, have another policy key active first."
    remedy_zh = "首个策略密钥请运行 `yinxin init` 生成；停用策略密钥前，请先启用另一个。"


class PolicyMemoryUnusable(NotReady):
    """The file that remembers the newest change of each key cannot be read or written."""

    code = "key-policy-memory-unusable"
    title = "The file that remembers the changes of keys cannot be used."
    title_zh = "密钥变更备忘文件不可用。"
    remedy = "Give the service's account the file, or follow docs/operations.md, section Keys, when it is damaged."
    remedy_zh = "请将该文件授权给服务账号；如已损坏，请按 docs/operations.md 密钥一节处理。"
