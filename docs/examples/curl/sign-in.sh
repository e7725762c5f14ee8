#!/bin/sh
# The code flow with PKCE by hand: sh, curl and openssl. Run: sh sign-in.sh sandbox.json
# You open the printed address in a browser and paste back the address at which it ends (nothing needs to listen there).
# Secrets go to curl by its standard input, never as arguments: every user of a machine can read those.
set -eu

member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
parameter() { printf '%s' "${1#*\?}" | tr '&' '\n' | sed -n "s/^$2=//p" | head -n 1; }

issuer=$(member issuer "$1")
client=$(member client_id "$1")
secret=$(member client_secret "$1")
callback=$(member redirect_uri "$1")
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
curl --fail --silent --show-error "$issuer/.well-known/openid-configuration" > "$answer"
authorize=$(member authorization_endpoint "$answer")
token=$(member token_endpoint "$answer")
userinfo=$(member userinfo_endpoint "$answer")

# 1 The request: state against forgery, nonce against replay, and the hash of a verifier that only we know.
state=$(openssl rand 32 | base64url)
nonce=$(openssl rand 32 | base64url)
verifier=$(openssl rand 32 | base64url)
challenge=$(printf '%s' "$verifier" | openssl dgst -sha256 -binary | base64url)
echo "Open: $authorize?response_type=code&client_id=$client&redirect_uri=$callback&scope=openid%20profile&state=$state&nonce=$nonce&code_challenge=$challenge&code_challenge_method=S256"
echo "Then paste the address at which the browser ends:"
read -r address

# 2 The answer is ours if the state is, and the issuer is the one we asked (RFC 9207).
[ "$(parameter "$address" state)" = "$state" ] || { echo "The state is not ours." >&2; exit 1; }
named=$(parameter "$address" iss | sed 's/%3A/:/g; s/%2F/\//g')
[ "$named" = "$issuer" ] || { echo "Another issuer answered." >&2; exit 1; }
code=$(parameter "$address" code)
[ -n "$code" ] || { echo "Refused: $(parameter "$address" error)" >&2; exit 1; }

# 3 The code becomes tokens. A public client names itself, one with a secret proves itself.
{
    if [ -n "$secret" ]; then printf 'user = "%s:%s"\n' "$client" "$secret"; else printf 'data = "client_id=%s"\n' "$client"; fi
    printf 'data = "grant_type=authorization_code"\ndata = "code=%s"\ndata = "code_verifier=%s"\n' "$code" "$verifier"
    printf 'data-urlencode = "redirect_uri=%s"\n' "$callback"
} | curl --fail-with-body --silent --show-error --config - "$token" > "$answer"
access=$(member access_token "$answer")

# 4 Who signed in.
printf 'header = "Authorization: Bearer %s"\n' "$access" | curl --fail-with-body --silent --show-error --config - "$userinfo"
