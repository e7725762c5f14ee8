"""Who calls, who signs in, for whom, and how that trust is passed on."""
