"""Keys that never leave: devices behind one guard."""
