"""What the provider keeps in the database: one module per thing."""
