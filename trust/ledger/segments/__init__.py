"""Retention: old entries leave the database for sealed files; the tree over them stays whole."""
