"""Several pieces of hardware behind one queue: who signs what, when, and who is out of service."""
