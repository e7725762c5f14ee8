"""The statements that make the ledger's tables append-only in the database itself, for each dialect.

The application has no way to change an entry; these triggers stop a hand at the database prompt too, until it drops
them, which `Ledger.verify` outlives: it finds the change. `trust.ledger.store` runs them after `create_all`, the
Alembic migration after creating the tables; both therefore get the same schema, and the first head row with it.
"""

from typing import Final

from trust.ledger.domain import TREE

_EMPTY_ROOT: Final = TREE.empty().hex()
_HEAD: Final = "ledger_head"
_KEYS: Final = {
    "ledger_leaf": "idx = NEW.idx",
    "ledger_node": "level = NEW.level AND idx = NEW.idx",
    "ledger_checkpoint": "size = NEW.size",
    _HEAD: "id = NEW.id",
}
TABLES: Final = tuple(_KEYS)
"""The tables that have statements."""

_REFUSE: Final = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
_FUNCTIONS: Final = (
    """CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$""",
    """CREATE OR REPLACE FUNCTION ledger_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.id = OLD.id AND NEW.size > OLD.size THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'the ledger head only grows';
    END $$""",
)


def statements_for(dialect: str, table: str) -> tuple[str, ...]:
    """Return the statements to run once after `table` was created; dialects are SQLAlchemy's names."""
    return {"sqlite": _sqlite, "postgresql": _postgresql}[dialect](table)


def statements(dialect: str) -> tuple[str, ...]:
    """Return the statements of all tables, for a migration that has just created them."""
    return tuple(statement for table in TABLES for statement in statements_for(dialect, table))


def removal_statements(dialect: str) -> tuple[str, ...]:
    """Return what a downgrade runs after it has dropped the tables, which takes their triggers along."""
    functions = ("DROP FUNCTION ledger_refuse()", "DROP FUNCTION ledger_head_grows()")
    return functions if dialect == "postgresql" else ()


def _sqlite(table: str) -> tuple[str, ...]:
    # INSERT OR REPLACE removes the old row without firing a DELETE trigger; hence the one before INSERT.
    taken = f"EXISTS (SELECT 1 FROM {table} WHERE {_KEYS[table]})"  # noqa: S608  only names of this module
    no_replace = f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} {_REFUSE}"
    no_delete = f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {_REFUSE}"
    if table == _HEAD:
        shrinks = "NEW.id <> OLD.id OR NEW.size <= OLD.size"
        only_grows = f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE ON {table} WHEN {shrinks} {_REFUSE}"
        return (_first_head(f"X'{_EMPTY_ROOT}'"), only_grows, no_delete, no_replace)
    return (f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {_REFUSE}", no_delete, no_replace)


def _postgresql(table: str) -> tuple[str, ...]:
    def trigger(name: str, event: str, scope: str, function: str) -> str:
        return f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH {scope} EXECUTE FUNCTION {function}()"

    update = "ledger_head_grows" if table == _HEAD else "ledger_refuse"
    first = (_first_head(f"decode('{_EMPTY_ROOT}', 'hex')"),) if table == _HEAD else ()
    return (
        *_FUNCTIONS,
        *first,
        trigger("no_update", "UPDATE", "ROW", update),
        trigger("no_delete", "DELETE", "ROW", "ledger_refuse"),
        trigger("no_truncate", "TRUNCATE", "STATEMENT", "ledger_refuse"),
    )


def _first_head(root: str) -> str:
    return f"INSERT INTO {_HEAD} (id, size, root) VALUES (1, 0, {root})"  # noqa: S608  only constants of this module
