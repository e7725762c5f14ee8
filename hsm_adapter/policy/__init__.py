"""What each key may be used for, for how long and by whom, and who agreed to that."""
