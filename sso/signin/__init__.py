"""Signing in: credentials, throttling, sessions and their strength."""
