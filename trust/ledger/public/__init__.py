"""What the ledger serves under its own name: checkpoint and tiles for everyone, entries and receipts under guard."""
