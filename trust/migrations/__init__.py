"""One Alembic folder for every table."""
