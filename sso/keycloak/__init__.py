"""Keycloak: as an upstream identity source, and as the organisation's own sign-in engine."""
