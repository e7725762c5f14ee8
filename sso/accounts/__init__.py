"""Persons: who they are, and how surely that is known."""
