"""E-seals (电子印章): make, keep, apply to a document."""
