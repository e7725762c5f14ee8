"""The ceremony of a root key: script, record, shares, protocol. Its key is opened by m of n custodians for one act."""
