"""Witnesses: asking others to cosign our checkpoints, and the small program that cosigns those of others."""
