"""Credentials, ceremonies, counters of failures and sessions in the database."""
