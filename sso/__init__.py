"""Who calls: clients, tokens, and later people and trust passing."""
