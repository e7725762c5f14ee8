"""Every key use as one leaf of an RFC 6962 tree: append, checkpoint, prove."""
