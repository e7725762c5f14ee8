"""Token revocation (RFC 7009): a client gives back what it was issued, and it ends everywhere at once."""

from typing import Final

import structlog

from sso.provider.domain import Client
from sso.provider.endpoint import Authenticator
from sso.provider.messages import FormRequest, JsonAnswer, check_form, json_answer, refused_answer, required
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.redemption import FOREIGN, Redemption
from sso.provider.signing import ACCESS_TOKEN_TYPE, TokenSigner
from sso.revocation.domain import Revocations, Tie, TieKind
from trust.kernel.clock import Clock
from trust.kernel.errors import NotAuthenticated

REASON: Final = "revoked-by-client"

_log = structlog.get_logger("sso.revocation")


class Revocation:
    """Ends tokens at the wish of their client. The token_type_hint is not needed: the kinds look different."""

    def __init__(
        self,
        authenticator: Authenticator,
        signer: TokenSigner,
        redemption: Redemption,
        revocations: Revocations,
        clock: Clock,
    ) -> None:
        self._authenticator = authenticator
        self._signer = signer
        self._redemption = redemption
        self._revocations = revocations
        self._clock = clock

    def answer(self, request: FormRequest) -> JsonAnswer:
        """Return 200 also for what is no token of ours (section 2.2); another client's token is refused (2.1)."""
        try:
            check_form(request)
            client = self._authenticator.authenticate(request)
            self._revoke(required(request, "token"), client)
        except OAuthRefused as refusal:
            _log.info("revocation refused", error=refusal.error, reason=refusal.officer)
            return refused_answer(refusal)
        return json_answer({})

    def _revoke(self, token: str, client: Client) -> None:
        """Cut the token's own tie; a refresh token takes its grant with it, and so all access tokens (section 2.1)."""
        if "." not in token:
            self._redemption.give_back(client, token)
            return
        try:
            claims = self._signer.verify(token, typ=ACCESS_TOKEN_TYPE)
        except NotAuthenticated:
            return
        if claims["client_id"] != client.id:
            raise OAuthRefused("invalid_grant", FOREIGN)
        self._revocations.cut([Tie(TieKind.TOKEN, claims["jti"])], reason=REASON, at=self._clock.now())
        _log.info("token revoked", client=client.id, token=claims["jti"])
