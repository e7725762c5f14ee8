"""Passing trust from one system to the next, and the record that the citizen can see."""
