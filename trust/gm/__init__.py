"""SM2, SM3 and SM4 over the system libcrypto and `cryptography`, with a start-up self-test."""
