"""The PKI: root, issuing CA, X.509 objects for seal makers and signers, CRL."""
