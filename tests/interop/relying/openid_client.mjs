// npm openid-client (a certified relying party) as a department would use it. See `node.py` for the operations.

import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { answerLines } from './line.mjs'

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

await answerLines({
  async keys(party) {
    party.own = await generateKeyPair('ES256', { extractable: true })
    return { keys: [{ ...(await exportJWK(party.own.publicKey)), kid: 'own', alg: 'ES256', use: 'sig' }] }
  },

  async setup(party, given) {
    const authentication = {
      basic: () => client.ClientSecretBasic(given.secret),
      post: () => client.ClientSecretPost(given.secret),
      private_key_jwt: () => client.PrivateKeyJwt({ key: party.own.privateKey, kid: 'own' }),
      none: () => client.None(),
    }[given.authentication]()
    party.config = await client.discovery(new URL(given.issuer), given.client_id, undefined, authentication, {
      // Loopback has no TLS; and without TLS the signature of the ID token is all there is.
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
      algorithm: given.algorithm ?? 'oidc',
    })
    const pair = given.dpop ? await client.randomDPoPKeyPair('ES256') : undefined
    party.options = pair ? { DPoP: client.getDPoPHandle(party.config, pair) } : undefined
    party.redirectUri = given.redirect_uri
    party.keys = createRemoteJWKSet(new URL(party.config.serverMetadata().jwks_uri))
    return party.config.serverMetadata()
  },

  async begin(party, { scope, pushed, more }) {
    party.pending = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
    }
    if (more?.max_age) party.pending.maxAge = Number(more.max_age)
    const parameters = {
      redirect_uri: party.redirectUri,
      scope,
      state: party.pending.expectedState,
      nonce: party.pending.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(party.pending.pkceCodeVerifier),
      code_challenge_method: 'S256',
      ...more,
    }
    const address = pushed
      ? await client.buildAuthorizationUrlWithPAR(party.config, parameters, party.options)
      : client.buildAuthorizationUrl(party.config, parameters)
    return address.href
  },

  async finish(party, { callback }) {
    const { config, pending, options } = party
    const tokens = await client.authorizationCodeGrant(config, new URL(callback), pending, undefined, options)
    return { ...tokens, claims: tokens.claims() ?? null }
  },

  userinfo: (party, { token, subject }) => client.fetchUserInfo(party.config, token, subject, party.options),

  async refresh(party, { token }) {
    const tokens = await client.refreshTokenGrant(party.config, token, undefined, party.options)
    return { ...tokens, claims: tokens.claims() ?? null }
  },

  introspect: (party, { token }) => client.tokenIntrospection(party.config, token),

  async exchange(party, { token, audience, more }) {
    const parameters = {
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience,
      ...more,
    }
    return client.genericGrantRequest(
      party.config,
      'urn:ietf:params:oauth:grant-type:token-exchange',
      parameters,
      party.options,
    )
  },

  revoke: (party, { token }) => client.tokenRevocation(party.config, token),

  async accept(party, { token, audience }) {
    const { payload } = await jwtVerify(token, party.keys, {
      issuer: party.config.serverMetadata().issuer,
      audience,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'client_id', 'jti', 'exp', 'iat'],
    })
    return payload
  },

  async call(party, { token, method, address, body }) {
    const headers = new Headers({ 'content-type': 'application/json' })
    const sent = body && JSON.stringify(body)
    const url = new URL(address)
    const answer = await client.fetchProtectedResource(party.config, token, url, method, sent, headers, party.options)
    return answer.json()
  },

  logout: (party, { hint, back, state }) =>
    client.buildEndSessionUrl(party.config, {
      id_token_hint: hint,
      post_logout_redirect_uri: back,
      state,
    }).href,

  async loggedOut(party, { token }) {
    const { payload } = await jwtVerify(token, party.keys, {
      issuer: party.config.serverMetadata().issuer,
      audience: party.config.clientMetadata().client_id,
      typ: 'logout+jwt',
      maxTokenAge: '2 minutes',
      requiredClaims: ['jti', 'events', 'sid'],
    })
    if (!(LOGOUT_EVENT in payload.events) || 'nonce' in payload) throw new Error('no logout token')
    return payload
  },
})
