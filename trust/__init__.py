"""What every other package stands on; imports nothing from them."""
