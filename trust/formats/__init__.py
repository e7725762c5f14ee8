"""Bytes to frozen values and back: no input or output, no decision about trust."""
