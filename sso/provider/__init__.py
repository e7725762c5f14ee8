"""The OpenID provider: clients, grants, tokens and what they hang on."""
