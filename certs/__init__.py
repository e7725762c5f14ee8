"""E-certificates (电子证照): catalogue, issue, library."""
