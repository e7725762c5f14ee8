"""The shared Flask edge: problem documents, principals, strict parsing."""
