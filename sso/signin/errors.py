"""What signing in and keeping credentials can refuse. Nothing here tells whether an account exists."""

from trust.kernel.errors import (
    Conflict,
    InvalidInput,
    MalformedInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RateLimited,
)


class SignInRefused(NotAuthenticated):
    """Unknown number, wrong password, closed account, no password yet: the caller is not told which."""

    code = "sign-in-refused"
    title = "Number and password do not match an account."
    title_zh = "证件号码与密码不匹配。"
    remedy = (
        "Check both and try again; a recovery code or a counter with your document helps when the password is lost."
    )
    remedy_zh = "请核对后重试；忘记密码可使用恢复码，或持证件到窗口办理。"


class SignInThrottled(RateLimited):
    """Too many wrong guesses from browsers or an address that the account does not know."""

    code = "sign-in-throttled"
    title = "Too many attempts to sign in."
    title_zh = "登录尝试过于频繁。"
    remedy = "Wait for the time given; a browser that you used before, or a passkey, is not affected."
    remedy_zh = "请等待所示时间后重试；曾经登录过的浏览器和通行密钥不受影响。"


class AttemptEnded(NotAuthenticated):
    """The first step of a sign-in or recovery is unknown, used up or too old."""

    code = "sign-in-attempt-ended"
    title = "This sign-in took too long or was already finished."
    title_zh = "本次登录已超时或已完成。"
    remedy = "Begin again from the first step."
    remedy_zh = "请从第一步重新开始。"


class CodeRefused(NotAuthenticated):
    """The one-time code is wrong, of another time, or was used before."""

    code = "one-time-code-refused"
    title = "The one-time code is not accepted."
    title_zh = "动态验证码不正确或已使用。"
    remedy = "Wait for the next code of the app and check the clock of the phone."
    remedy_zh = "请等待下一个验证码，并检查手机时间是否准确。"


class PasskeyRefused(NotAuthenticated):
    """The answer of an authenticator does not prove a passkey that is registered here."""

    code = "passkey-refused"
    title = "The passkey is not accepted."
    title_zh = "通行密钥未通过验证。"
    remedy = "Try again with a passkey that you registered here, or sign in with your password."
    remedy_zh = "请使用已在本站登记的通行密钥重试，或改用密码登录。"


class PasskeyMalformed(MalformedInput):
    """The browser's answer is not a public key credential in the JSON form of WebAuthn level 3 section 5.1."""

    code = "passkey-malformed"
    title = "The answer of the passkey cannot be read."
    title_zh = "通行密钥的应答无法读取。"


class RecoveryRefused(NotAuthenticated):
    """Unknown number, wrong, used or expired code: the caller is not told which."""

    code = "recovery-refused"
    title = "Number and recovery code do not match an account."
    title_zh = "证件号码与恢复码不匹配。"
    remedy = "Use another recovery code, or go to a counter with your document: you get a new code there."
    remedy_zh = "请使用其他恢复码，或持证件到窗口领取新的验证码。"


class PasswordLength(InvalidInput):
    """A new password has too few or too many characters."""

    code = "password-length"
    title = "The password is too short or too long."
    title_zh = "密码过短或过长。"
    remedy = "Choose a password within the bounds given in the detail."
    remedy_zh = "请按详情中给出的长度范围设置密码。"


class PasswordCharacters(InvalidInput):
    """A new password holds a control character, which no keyboard can type again."""

    code = "password-characters"
    title = "The password holds a character that cannot be typed."
    title_zh = "密码中含有无法键入的字符。"
    remedy = "Type the password instead of pasting it."
    remedy_zh = "请手工输入密码，不要粘贴。"


class PasswordWeak(InvalidInput):
    """A new password would be among the first guesses."""

    code = "password-weak"
    title = "The password is easy to guess."
    title_zh = "密码容易被猜中。"
    remedy = "Take three or four unrelated words; leave out your name, your number and your birthday."
    remedy_zh = "请使用三四个互不相关的词语；不要包含姓名、证件号码或生日。"


class PasswordEnrolled(Conflict):
    """The person has a password; it is changed or recovered, never enrolled again."""

    code = "password-enrolled"
    title = "The account has a password already."
    title_zh = "该账号已设置密码。"


class TotpEnrolled(Conflict):
    """The person has an app for one-time codes."""

    code = "one-time-codes-enrolled"
    title = "One-time codes are set up already."
    title_zh = "动态验证码已启用。"
    remedy = "Remove the present app first."
    remedy_zh = "请先移除现有的验证器。"


class TotpNotEnrolled(Conflict):
    """There is no app for one-time codes to use, confirm or remove."""

    code = "one-time-codes-not-enrolled"
    title = "One-time codes are not set up."
    title_zh = "尚未启用动态验证码。"
    remedy = "Set up an app for one-time codes first."
    remedy_zh = "请先启用动态验证码。"


class PasskeyEnrolled(Conflict):
    """The authenticator's credential is registered already, for this or another account."""

    code = "passkey-enrolled"
    title = "This passkey is registered already."
    title_zh = "该通行密钥已登记。"


class PasskeysTooMany(Conflict):
    """The person has as many passkeys as an account can have."""

    code = "passkeys-too-many"
    title = "The account has as many passkeys as it can have."
    title_zh = "通行密钥数量已达上限。"
    remedy = "Remove a passkey that you no longer use."
    remedy_zh = "请先移除不再使用的通行密钥。"


class PasskeyUnknown(NotFound):
    """The person has no passkey of this id."""

    code = "passkey-unknown"
    title = "There is no such passkey."
    title_zh = "没有该通行密钥。"


class StepUpRequired(NotAllowed):
    """Credentials are changed only in a session whose proof is fresh and as strong as the person can give."""

    code = "step-up-required"
    title = "This needs a fresh proof of who you are."
    title_zh = "此操作需要重新验证身份。"
    remedy = "Confirm with your strongest means (passkey, one-time code, password) and try again."
    remedy_zh = "请用您最强的方式（通行密钥、动态验证码或密码）确认后重试。"


class StepUpTooWeak(NotAllowed):
    """A session cannot be renewed by a proof that is weaker than the one it was opened with."""

    code = "step-up-too-weak"
    title = "This proof is weaker than the session."
    title_zh = "该验证方式弱于当前会话。"
    remedy = "Confirm with the means with which you signed in."
    remedy_zh = "请使用登录时所用的方式确认。"


class SessionOver(NotAuthenticated):
    """The session ended while it was being used."""

    code = "session-over"
    title = "The session is over."
    title_zh = "会话已结束。"
    remedy = "Sign in again."
    remedy_zh = "请重新登录。"


class SessionUnknown(NotFound):
    """The person has no living session of this id."""

    code = "session-unknown"
    title = "There is no such session."
    title_zh = "没有该会话。"


class HandOutRefused(NotAllowed):
    """The clerk is disabled, not posted to the counter, or would hand out the code to themselves."""

    code = "code-hand-out-refused"
    title = "The clerk cannot hand out this code."
    title_zh = "该窗口人员不能发放此验证码。"
    remedy = "Another clerk of the counter hands out the code."
    remedy_zh = "请由本窗口其他人员办理。"


class RecoveryTooEarly(NotAuthenticated):
    """The code from the counter is right but still waits: the holder of the account may object until then."""

    code = "recovery-too-early"
    title = "This code from a counter cannot be used yet."
    title_zh = "该窗口恢复码尚未生效。"
    remedy = "Use it from the moment on the slip, or have a second clerk of the counter release it."
    remedy_zh = "请在单据所示时间之后使用，或请该窗口的另一名工作人员复核后立即生效。"


class ReleaseRefused(NotAllowed):
    """No code of this person waits at this counter, or the same clerk handed it out (law 9)."""

    code = "code-release-refused"
    title = "There is no code at this counter that this clerk can release."
    title_zh = "本窗口没有可由该工作人员复核的恢复码。"
    remedy = "A second clerk of the counter releases the code, before its waiting time is over."
    remedy_zh = "请由本窗口的另一名工作人员在等待期内复核。"


class CounterCodeUnknown(NotFound):
    """The person has no such code from a counter, or it was used, cancelled or ran out."""

    code = "counter-code-unknown"
    title = "There is no such code from a counter."
    title_zh = "没有该窗口恢复码。"
