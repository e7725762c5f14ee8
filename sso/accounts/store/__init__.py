"""Persons, their evidence and the offices of administration in the database."""
