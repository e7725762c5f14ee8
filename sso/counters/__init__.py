"""Counters, their clerks, and the matters they deal with: the registered facts that trust passing asserts."""
