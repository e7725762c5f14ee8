"""Pure building blocks: standard library only, no input or output, no global state."""
