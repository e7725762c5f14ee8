"""Pages for people: rendered on the server, readable on a phone, working without JavaScript."""
