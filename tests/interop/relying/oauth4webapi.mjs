// npm oauth4webapi with jose: every check of a protocol is called by hand. See `node.py` for the operations.

import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { answerLines } from './line.mjs'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const insecure = { [oauth.allowInsecureRequests]: true } // loopback

await answerLines({
  async keys(party) {
    party.own = await oauth.generateKeyPair('RS256', { extractable: true })
    const jwk = await crypto.subtle.exportKey('jwk', party.own.publicKey)
    return { keys: [{ kty: jwk.kty, n: jwk.n, e: jwk.e, kid: 'own', alg: 'RS256', use: 'sig' }] }
  },

  async setup(party, given) {
    const issuer = new URL(given.issuer)
    const found = await oauth.discoveryRequest(issuer, { algorithm: given.algorithm ?? 'oidc', ...insecure })
    party.server = await oauth.processDiscoveryResponse(issuer, found)
    party.client = { client_id: given.client_id }
    party.authentication = {
      basic: () => oauth.ClientSecretBasic(given.secret),
      post: () => oauth.ClientSecretPost(given.secret),
      private_key_jwt: () => oauth.PrivateKeyJwt({ key: party.own.privateKey, kid: 'own' }),
      none: () => oauth.None(),
    }[given.authentication]()
    const pair = given.dpop ? await oauth.generateKeyPair('ES256') : undefined
    party.options = { ...insecure, ...(pair && { DPoP: oauth.DPoP(party.client, pair) }) }
    party.redirectUri = given.redirect_uri
    return party.server
  },

  async begin(party, { scope, pushed, more }) {
    const { server, client, authentication, options } = party
    party.pending = {
      verifier: oauth.generateRandomCodeVerifier(),
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      maxAge: more?.max_age ? Number(more.max_age) : undefined,
    }
    let parameters = new URLSearchParams({
      client_id: client.client_id,
      response_type: 'code',
      redirect_uri: party.redirectUri,
      scope,
      state: party.pending.state,
      nonce: party.pending.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(party.pending.verifier),
      code_challenge_method: 'S256',
      ...more,
    })
    if (pushed) {
      const answer = await oauth.pushedAuthorizationRequest(server, client, authentication, parameters, options)
      const kept = await oauth.processPushedAuthorizationResponse(server, client, answer)
      parameters = new URLSearchParams({ client_id: client.client_id, request_uri: kept.request_uri })
    }
    return `${server.authorization_endpoint}?${parameters}`
  },

  async finish(party, { callback }) {
    const { server, client, authentication, options } = party
    const parameters = oauth.validateAuthResponse(server, client, new URL(callback), party.pending.state)
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      party.redirectUri,
      party.pending.verifier,
      options,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: party.pending.nonce,
      maxAge: party.pending.maxAge,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(server, answer, insecure)
    return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) }
  },

  async userinfo(party, { token, subject }) {
    const { server, client, options } = party
    const answer = await oauth.userInfoRequest(server, client, token, options)
    return oauth.processUserInfoResponse(server, client, subject, answer)
  },

  async refresh(party, { token }) {
    const { server, client, authentication, options } = party
    const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, options)
    const tokens = await oauth.processRefreshTokenResponse(server, client, answer)
    return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) ?? null }
  },

  async introspect(party, { token }) {
    const { server, client, authentication } = party
    const answer = await oauth.introspectionRequest(server, client, authentication, token, insecure)
    return oauth.processIntrospectionResponse(server, client, answer)
  },

  async exchange(party, { token, audience, more }) {
    const { server, client, authentication, options } = party
    const parameters = new URLSearchParams({
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience,
      ...more,
    })
    const answer = await oauth.genericTokenEndpointRequest(
      server,
      client,
      authentication,
      EXCHANGE,
      parameters,
      options,
    )
    return oauth.processGenericTokenEndpointResponse(server, client, answer)
  },

  async revoke(party, { token }) {
    const { server, client, authentication } = party
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, client, authentication, token, insecure),
    )
  },

  async accept(party, { token, audience }) {
    const { server } = party
    const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } })
    return oauth.validateJwtAccessToken(server, request, audience, insecure)
  },

  async call(party, { token, method, address, body }) {
    const headers = new Headers({ 'content-type': 'application/json' })
    const sent = body && JSON.stringify(body)
    const url = new URL(address)
    const answer = await oauth.protectedResourceRequest(token, method, url, headers, sent, party.options)
    return answer.json()
  },

  logout(party, { hint, back, state }) {
    const { server, client } = party
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: back, state, client_id: client.client_id }
    return `${server.end_session_endpoint}?${new URLSearchParams(parameters)}`
  },

  async loggedOut(party, { token }) {
    const { server, client } = party
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(server.jwks_uri)), {
      issuer: server.issuer,
      audience: client.client_id,
      typ: 'logout+jwt',
      algorithms: ['ES256'],
      maxTokenAge: '2 minutes',
      requiredClaims: ['jti', 'events', 'sid'],
    })
    if (!(LOGOUT_EVENT in payload.events) || 'nonce' in payload) throw new Error('no logout token')
    return payload
  },
})
