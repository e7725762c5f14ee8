"""The two WebAuthn ceremonies (level 3 sections 7.1 and 7.2), by the `webauthn` library, the only place that names it.

Asked for: a discoverable credential (no number is typed), user verification (so a passkey alone is two factors), no
attestation (we judge the person, not the make of the device).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sso.signin.credentials import Passkey
from sso.signin.desk import Site
from sso.signin.errors import PasskeyMalformed, PasskeyRefused

ANSWER_MAX: Final = 16 * 1024
"""Longest answer of a browser, characters: one with the longest credential id and an RSA key has about 4 KiB."""

CREDENTIAL_MAX: Final = 1023
"""Longest credential id, bytes (level 3 section 7.1 step 26)."""

_TIMEOUT: Final = 300_000  # milliseconds: the life of the challenge
_REASON_MAX: Final = 200  # characters of the library's sentence that go to the log; it may quote the caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser sent back, read just far enough to find the challenge and the credential."""

    document: dict[str, Any] = field(repr=False)
    challenge: bytes
    credential: bytes
    user_handle: bytes | None
    cross_origin: bool

    @classmethod
    def parse(cls, text: str) -> "Answer":
        """Read the JSON form of a public key credential. Raises `PasskeyMalformed`."""
        if len(text) > ANSWER_MAX:
            raise PasskeyMalformed(f"The answer has more than {ANSWER_MAX} characters.", field="credential")
        try:
            document = json.loads(text)
            response = document["response"]
            client_data = json.loads(base64url_to_bytes(response["clientDataJSON"]))
            handle = response.get("userHandle")
            return cls(
                document=document,
                challenge=base64url_to_bytes(client_data["challenge"]),
                credential=base64url_to_bytes(document["rawId"]),
                user_handle=base64url_to_bytes(handle) if handle else None,
                cross_origin=client_data.get("crossOrigin", False) is not False,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise PasskeyMalformed(field="credential") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """What a registration proved."""

    credential: bytes
    public_key: bytes
    sign_count: int


class Ceremonies:
    """Options for browsers, and judgement of what they send back."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def registration_options(self, challenge: bytes, *, handle: bytes, name: str, known: Sequence[Passkey]) -> str:
        """Return the JSON for `navigator.credentials.create()`; `handle` is opaque, `name` what the device shows."""
        options = generate_registration_options(
            rp_id=self._site.host,
            rp_name=self._site.host,
            user_id=handle,
            user_name=name,
            challenge=challenge,
            timeout=_TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in known],
        )
        return options_to_json(options)

    def authentication_options(self, challenge: bytes, known: Sequence[Passkey] = ()) -> str:
        """Return the JSON for `navigator.credentials.get()`; without `known` the device offers what it has."""
        options = generate_authentication_options(
            rp_id=self._site.host,
            challenge=challenge,
            timeout=_TIMEOUT,
            allow_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def verify_registration(self, answer: Answer) -> NewCredential:
        """Judge a registration whose challenge was ours (section 7.1). Raises `PasskeyRefused`."""
        self._refuse_embedded(answer)
        try:
            proved = verify_registration_response(
                credential=answer.document,
                expected_challenge=answer.challenge,
                expected_rp_id=self._site.host,
                expected_origin=self._site.origin,
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001  hostile bytes: whatever the parsers raise, nothing was proved
            raise PasskeyRefused(reason=_reason(error)) from None
        if len(proved.credential_id) > CREDENTIAL_MAX or proved.credential_id != answer.credential:
            raise PasskeyRefused(reason="credential id too long, or not the one of the attested data")
        return NewCredential(
            credential=proved.credential_id, public_key=proved.credential_public_key, sign_count=proved.sign_count
        )

    def verify_assertion(self, answer: Answer, passkey: Passkey, *, handle: bytes) -> int:
        """Judge a use of `passkey` whose challenge was ours (section 7.2) and return the new signature counter.

        Raises `PasskeyRefused`, among others for a counter that did not grow: the authenticator was copied.
        """
        self._refuse_embedded(answer)
        if answer.user_handle is not None and answer.user_handle != handle:
            raise PasskeyRefused(reason="the user handle is another person's")
        try:
            proved = verify_authentication_response(
                credential=answer.document,
                expected_challenge=answer.challenge,
                expected_rp_id=self._site.host,
                expected_origin=self._site.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001  hostile bytes: whatever the parsers raise, nothing was proved
            raise PasskeyRefused(reason=_reason(error)) from None
        return proved.new_sign_count

    @staticmethod
    def _refuse_embedded(answer: Answer) -> None:
        if answer.cross_origin:
            raise PasskeyRefused(reason="the ceremony ran inside a page of another origin")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_REASON_MAX]
