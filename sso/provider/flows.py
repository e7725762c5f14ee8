"""The grants that people are part of, as Authlib asks for them: authorization code with PKCE, and refresh.

What Authlib leaves to its user, and what goes wrong there, is decided in `sso.provider.redemption`: a code is consumed
before its verifier is compared, so a failed redemption burns it.
"""

from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from typing_extensions import override

from sso.provider.grants import Redeemed, RefreshToken
from sso.provider.requests import CHALLENGE_METHOD


class KeptCode:
    """A consumed code with the attributes that Authlib reads."""

    code_challenge_method = CHALLENGE_METHOD

    def __init__(self, redeemed: Redeemed) -> None:
        self.redeemed = redeemed
        self.code_challenge = redeemed.code.challenge

    def get_redirect_uri(self) -> str:
        """Return the address that the code went to."""
        return self.redeemed.code.redirect_uri

    def get_scope(self) -> str:
        """Return what was granted."""
        return " ".join(sorted(self.redeemed.grant.contents.scopes))


class KeptRefresh:
    """A refresh token with the attributes that Authlib reads."""

    def __init__(self, token: RefreshToken) -> None:
        self.token = token

    def check_client(self, client: Any) -> bool:
        """Whether the token is this client's; the look-up compared it already."""
        return bool(self.token.grant.contents.client == client.client.id)

    def get_scope(self) -> str:
        """Return what was granted."""
        return " ".join(sorted(self.token.grant.contents.scopes))


class S256Challenge(CodeChallenge):  # type: ignore[misc]  # Authlib ships no types
    """PKCE by S256 and nothing else; Authlib's default is plain."""

    DEFAULT_CODE_CHALLENGE_METHOD = CHALLENGE_METHOD
    SUPPORTED_CODE_CHALLENGE_METHOD = (CHALLENGE_METHOD,)
    CODE_CHALLENGE_METHODS = {  # noqa: RUF012  the shape of Authlib's own attribute
        CHALLENGE_METHOD: CodeChallenge.CODE_CHALLENGE_METHODS[CHALLENGE_METHOD]
    }


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib ships no types
    """The authorization code grant (RFC 6749 section 4.1.3)."""

    @override
    def query_authorization_code(self, code: str, client: Any) -> KeptCode | None:
        redeemed = self.server.redemption.take_code(client.caller, code)
        return None if redeemed is None else KeptCode(redeemed)

    @override
    def delete_authorization_code(self, authorization_code: KeptCode) -> None:
        """The code was consumed when it was looked up."""

    @override
    def authenticate_user(self, authorization_code: KeptCode) -> KeptCode:
        return authorization_code


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib ships no types
    """The refresh grant (RFC 6749 section 6) with rotation."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    @override
    def authenticate_refresh_token(self, refresh_token: str) -> KeptRefresh | None:
        token = self.server.redemption.find_refresh(self.request.client.caller, refresh_token)
        return None if token is None else KeptRefresh(token)

    @override
    def authenticate_user(self, refresh_token: KeptRefresh) -> KeptRefresh:
        return refresh_token

    @override
    def revoke_old_credential(self, refresh_token: KeptRefresh) -> None:
        """The old token was exchanged for the new one in one commit."""
