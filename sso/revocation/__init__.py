"""What a token hangs on, and the register of what has been cut."""
