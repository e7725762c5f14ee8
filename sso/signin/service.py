"""The sign-in desk: everything that proves who somebody is, under one name.

How a sign-in runs: 1 the identifier is looked up · 2 the try is charged to its counters · 3 the secret is judged, at
the same cost whether or not the account exists · 4 a second factor is asked for where one is set up · 5 in one commit
the proof is used up and the session opened · 6 the charge is taken back. Killed anywhere, nothing usable stays behind.
"""

from sso.signin.code_desk import CodeDesk
from sso.signin.counter_code_desk import CounterCodeDesk, HandedOut
from sso.signin.desk import SecondFactorNeeded, SignedIn, Site, Workshop
from sso.signin.passkey_desk import PasskeyDesk
from sso.signin.recovery_desk import Recovering, RecoveryDesk, Renewed
from sso.signin.totp import TotpEnrolment


class SignInDesk(RecoveryDesk, CounterCodeDesk, CodeDesk, PasskeyDesk):
    """Passwords, one-time codes, passkeys and recovery over one workshop."""

    def forget_expired(self) -> int:
        """Drop attempts, challenges and counters of failures whose time is over; return how many.

        Housekeeping calls it.
        """
        return self._with.ceremonies.forget_expired(self._now()) + self._with.throttle.forget_unused()


__all__ = [
    "HandedOut",
    "Recovering",
    "Renewed",
    "SecondFactorNeeded",
    "SignInDesk",
    "SignedIn",
    "Site",
    "TotpEnrolment",
    "Workshop",
]
