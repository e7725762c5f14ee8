"""Entries as a file: each with its proof, and a signed last line, to be checked without the service."""
