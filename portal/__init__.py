"""The assembled service: wiring, factory, command line."""
