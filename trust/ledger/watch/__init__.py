"""Watching the ledger: declared rules, the alerts they raise, and officers who acknowledge them."""
