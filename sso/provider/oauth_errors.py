"""Refusals as the OAuth RFCs name them; the endpoints answer them, never a problem document."""

from http import HTTPStatus

from trust.kernel.errors import InvalidInput


class OAuthRefused(InvalidInput):
    """A request that an OAuth endpoint refuses: `error` is the name of the RFC (RFC 6749 section 5.2 and its kin).

    `officer` goes to the log: what really was wrong, when the caller is not told.
    """

    code = "oauth-refused"
    title = "The authorization server refused the request."
    title_zh = "授权服务器拒绝了该请求。"

    def __init__(
        self, error: str, description: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST, officer: str = ""
    ) -> None:
        super().__init__(description, error=error)
        self.error = error
        self.description = description
        self.status = status
        self.officer = officer or description
