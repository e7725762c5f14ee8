"""The register of matters, counters and clerks in the database."""
