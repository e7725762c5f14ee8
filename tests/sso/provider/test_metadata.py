from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

from sso.provider.client_jwt import ALGORITHMS
from sso.provider.domain import Scope
from sso.provider.keyring import ALGORITHM, SM2_ALGORITHM, Keyring
from sso.provider.metadata import CLIENT_ALGORITHMS, SM2_KEYS_MEMBER, provider_metadata
from tests.sso.provider.edges import TwoAlgorithmSigner
from trust.kernel.algorithms import Algorithm

ISSUER = "https://trust.example"
DEVICE = TwoAlgorithmSigner()
INFOS = [DEVICE.make(Algorithm.ECDSA_P256_SHA256), DEVICE.make(Algorithm.SM2_SM3)]
DOCUMENT = provider_metadata(ISSUER, Keyring(INFOS[:1]))


def test_an_independent_reading_of_rfc_8414_accepts_it() -> None:
    AuthorizationServerMetadata(DOCUMENT).validate()


def test_an_independent_reading_of_openid_discovery_misses_nothing_but_rs256() -> None:
    checked = OpenIDProviderMetadata(DOCUMENT)
    for name in OpenIDProviderMetadata.REGISTRY_KEYS:
        if name != "id_token_signing_alg_values_supported":  # docs/divergences.md: RS256 is not offered
            getattr(checked, f"validate_{name}")()


def test_every_address_is_below_the_issuer() -> None:
    for name, value in DOCUMENT.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(ISSUER + "/"), name


def test_nothing_weak_is_offered() -> None:
    assert DOCUMENT["code_challenge_methods_supported"] == ["S256"]
    assert DOCUMENT["response_types_supported"] == ["code"]
    assert DOCUMENT["subject_types_supported"] == ["pairwise"]
    assert not {"password", "implicit"} & set(DOCUMENT["grant_types_supported"])
    assert "none" not in DOCUMENT["introspection_endpoint_auth_methods_supported"]
    assert tuple(DOCUMENT["dpop_signing_alg_values_supported"]) == CLIENT_ALGORITHMS == ALGORITHMS


def test_it_says_what_the_code_knows() -> None:
    assert DOCUMENT["scopes_supported"] == [scope.value for scope in Scope]
    assert DOCUMENT["acr_values_supported"] == [f"urn:yinxin:aal:{number}" for number in (1, 2, 3)]
    assert DOCUMENT["authorization_response_iss_parameter_supported"] is True
    assert DOCUMENT["backchannel_logout_session_supported"] is True
    assert DOCUMENT["ui_locales_supported"] == ["zh-CN", "en"]


def test_sm2_is_offered_where_there_is_a_key() -> None:
    assert DOCUMENT["id_token_signing_alg_values_supported"] == [ALGORITHM]
    assert SM2_KEYS_MEMBER not in DOCUMENT
    both = provider_metadata(ISSUER, Keyring(INFOS))
    assert both["id_token_signing_alg_values_supported"] == [ALGORITHM, SM2_ALGORITHM]
    assert both[SM2_KEYS_MEMBER].startswith(ISSUER)
