"""Judges artefacts from public data; stands alone."""
