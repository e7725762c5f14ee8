"""Finding entries and counting them: an index beside the ledger, which can be thrown away and made again."""
