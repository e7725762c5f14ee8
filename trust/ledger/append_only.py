"""The statements that make the ledger's tables append-only in the database itself, for each dialect.

The application has no way to change an entry; these triggers stop a hand at the database prompt too, until it drops
them, which `Ledger.verify` outlives: it finds the change. `trust.ledger.store` runs them after `create_all`, the
Alembic migrations after creating the tables; both therefore get the same schema, and the first head row with it.

One change is let through: the data of a leaf may be emptied, with nothing else of its row, once a released segment
(`trust.ledger.segments`) covers it. A segment is added unreleased and released once. No trigger can check the signature
of a release; whoever makes one up by hand empties leaves, and `Ledger.verify` names that segment. The leaf's hash
stays, so what the entry was can still be proven by whoever has the file or a copy of it.
"""

from typing import Final

from trust.ledger.domain import TREE

_EMPTY_ROOT: Final = TREE.empty().hex()
_HEAD: Final = "ledger_head"
_LEAF: Final = "ledger_leaf"
_SEGMENT: Final = "ledger_segment"
_KEYS: Final = {
    _LEAF: "idx = NEW.idx",
    "ledger_node": "level = NEW.level AND idx = NEW.idx",
    "ledger_checkpoint": "size = NEW.size",
    _HEAD: "id = NEW.id",
    _SEGMENT: "start = NEW.start",
}
FIRST_TABLES: Final = (_LEAF, "ledger_node", "ledger_checkpoint", _HEAD)
"""The tables of the first migration that have statements."""

TABLES: Final = (*FIRST_TABLES, _SEGMENT)
"""All tables that have statements; a segment's must exist before a leaf is changed, not before there are leaves."""

_EMPTIES: Final = f"""NEW.idx = OLD.idx AND NEW.hash = OLD.hash AND length(NEW.data) = 0 AND EXISTS (
        SELECT 1 FROM {_SEGMENT} WHERE entry IS NOT NULL AND OLD.idx >= start AND OLD.idx < start + size)"""  # noqa: S608
_FIXED: Final = ("start", "size", "root", "file", "checkpoint_size", "proposed_by", "proposed_at")
_RELEASE: Final = ("body", "key", "signature", "entry")
_RELEASES: Final = " AND ".join(
    (
        *(f"NEW.{name} = OLD.{name}" for name in _FIXED),
        *(f"OLD.{name} IS NULL AND NEW.{name} IS NOT NULL" for name in _RELEASE),
    )
)

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
_LATER_FUNCTIONS: Final = tuple(
    f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF {condition} THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'the ledger is append-only';
    END $$"""
    for name, condition in (
        ("ledger_leaf_empties", _EMPTIES),
        ("ledger_segment_begins", f"NEW.{_RELEASE[-1]} IS NULL"),
        ("ledger_segment_releases", _RELEASES),
    )
)
_SEGMENT_FUNCTIONS: Final = ("ledger_segment_begins", "ledger_segment_releases")


def statements_for(dialect: str, table: str) -> tuple[str, ...]:
    """Return the statements to run once after `table` was created; dialects are SQLAlchemy's names."""
    make = {"sqlite": _sqlite, "postgresql": _postgresql}[dialect]
    if table == _LEAF:
        return (*make(table), *_let_leaves_empty(dialect))
    return make(table)


def first_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements of the first migration, which knew no segments."""
    make = {"sqlite": _sqlite, "postgresql": _postgresql}[dialect]
    return tuple(statement for table in FIRST_TABLES for statement in make(table))


def segment_statements(dialect: str) -> tuple[str, ...]:
    """Return the statements for a migration that has just created the table of segments beside existing leaves."""
    return (*statements_for(dialect, _SEGMENT), *_let_leaves_empty(dialect))


def segment_removal_statements(dialect: str) -> tuple[str, ...]:
    """Return what a downgrade runs before it drops the table of segments: no leaf can be changed any more."""
    if dialect == "postgresql":
        return (
            f"DROP TRIGGER {_LEAF}_no_update ON {_LEAF}",
            _trigger(_LEAF, "no_update", "UPDATE", "ROW", "ledger_refuse"),
            f"DROP TABLE {_SEGMENT}",
            *(f"DROP FUNCTION {name}()" for name in ("ledger_leaf_empties", *_SEGMENT_FUNCTIONS)),
        )
    return (f"DROP TRIGGER {_LEAF}_no_update", _no_update(_LEAF), f"DROP TABLE {_SEGMENT}")


def removal_statements(dialect: str) -> tuple[str, ...]:
    """Return what a downgrade runs after it has dropped the tables, which takes their triggers along."""
    names = ("ledger_refuse", "ledger_head_grows", "ledger_leaf_empties", *_SEGMENT_FUNCTIONS)
    return tuple(f"DROP FUNCTION IF EXISTS {name}()" for name in names) if dialect == "postgresql" else ()


def _sqlite(table: str) -> tuple[str, ...]:
    # INSERT OR REPLACE removes the old row without firing a DELETE trigger; hence the one before INSERT.
    taken = f"EXISTS (SELECT 1 FROM {table} WHERE {_KEYS[table]})"  # noqa: S608  only names of this module
    if table == _SEGMENT:
        taken = f"{taken} OR NEW.{_RELEASE[-1]} IS NOT NULL"
    no_replace = f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} {_REFUSE}"
    no_delete = f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {_REFUSE}"
    if table == _HEAD:
        shrinks = "NEW.id <> OLD.id OR NEW.size <= OLD.size"
        only_grows = f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE ON {table} WHEN {shrinks} {_REFUSE}"
        return (_first_head(f"X'{_EMPTY_ROOT}'"), only_grows, no_delete, no_replace)
    return (_no_update(table, unless=_RELEASES if table == _SEGMENT else None), no_delete, no_replace)


def _no_update(table: str, *, unless: str | None = None) -> str:
    when = f"WHEN ({unless}) IS NOT TRUE " if unless else ""
    return f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {when}{_REFUSE}"


def _postgresql(table: str) -> tuple[str, ...]:
    update = {_HEAD: "ledger_head_grows", _SEGMENT: "ledger_segment_releases"}.get(table, "ledger_refuse")
    return (
        *_FUNCTIONS,
        *(_LATER_FUNCTIONS if table == _SEGMENT else ()),
        *((_first_head(f"decode('{_EMPTY_ROOT}', 'hex')"),) if table == _HEAD else ()),
        *((_trigger(table, "begins", "INSERT", "ROW", "ledger_segment_begins"),) if table == _SEGMENT else ()),
        _trigger(table, "no_update", "UPDATE", "ROW", update),
        _trigger(table, "no_delete", "DELETE", "ROW", "ledger_refuse"),
        _trigger(table, "no_truncate", "TRUNCATE", "STATEMENT", "ledger_refuse"),
    )


def _trigger(table: str, name: str, event: str, scope: str, function: str) -> str:
    return f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} FOR EACH {scope} EXECUTE FUNCTION {function}()"


def _let_leaves_empty(dialect: str) -> tuple[str, ...]:
    """Put the trigger that knows of segments in the place of the one that refuses every change of a leaf."""
    if dialect == "postgresql":
        replaced = _trigger(_LEAF, "no_update", "UPDATE", "ROW", "ledger_leaf_empties")
        return (_LATER_FUNCTIONS[0], f"DROP TRIGGER {_LEAF}_no_update ON {_LEAF}", replaced)
    return (f"DROP TRIGGER {_LEAF}_no_update", _no_update(_LEAF, unless=_EMPTIES))


def _first_head(root: str) -> str:
    return f"INSERT INTO {_HEAD} (id, size, root) VALUES (1, 0, {root})"  # noqa: S608  only constants of this module
