"""PKCS#11 (OASIS, 2.40): keys in any device with a Cryptoki library."""
