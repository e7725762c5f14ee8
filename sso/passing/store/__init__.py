"""Cases, presence, hops and their neighbours in the database."""
