"""Database triggers that keep what changed of a record: old and new value of each column, whoever wrote it.

In the database, because imports, the interface and commands write past each other's Python. `portal.author` is set for
the transaction by the action a person takes; other writers have none.
"""

from __future__ import annotations

import pgtrigger

# Computed columns and the mark that something changed are no change of their own.
_UNTOLD = ("search", "updated_at")
_AUTHOR = "nullif(current_setting('portal.author', true), '')::bigint"


def remembers(table: str, *, part: str, key: str) -> pgtrigger.Trigger:
    """After an update: one row in `table` with the columns that differ, in the transaction of the update."""
    untold = ", ".join(f"'{name}'" for name in _UNTOLD)
    func = f"""
        INSERT INTO {table} (agency_id, record_id, at, part, changes, author_id)
        SELECT NEW.agency_id, NEW.{key}, now(), '{part}',
               jsonb_object_agg(n.key, jsonb_build_array(o.value, n.value)), {_AUTHOR}
        FROM jsonb_each(to_jsonb(NEW) - ARRAY[{untold}]) n
        JOIN jsonb_each(to_jsonb(OLD) - ARRAY[{untold}]) o ON o.key = n.key
        WHERE n.value IS DISTINCT FROM o.value
        HAVING count(*) > 0;
        RETURN NULL;
    """  # noqa: S608 – names given by the models
    return pgtrigger.Trigger(name="remembers", when=pgtrigger.After, operation=pgtrigger.Update, func=func)


def only_blackened() -> pgtrigger.Trigger:
    """A remembered change may lose its values, once and entirely; nothing else about it ever changes."""
    func = """
        IF OLD.redacted_at IS NULL AND NEW.redacted_at IS NOT NULL
            AND (NEW.id, NEW.agency_id, NEW.record_id, NEW.at, NEW.part) =
                (OLD.id, OLD.agency_id, OLD.record_id, OLD.at, OLD.part)
            AND NEW.author_id IS NOT DISTINCT FROM OLD.author_id
            AND NEW.changes = (SELECT jsonb_object_agg(key, '[null, null]'::jsonb) FROM jsonb_each(OLD.changes))
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a remembered change is never altered, only blackened';
    """
    return pgtrigger.Trigger(name="only_blackened", when=pgtrigger.Before, operation=pgtrigger.Update, func=func)


def only_with_record(record_table: str) -> pgtrigger.Trigger:
    """At the end of the transaction a deleted change must have no record any more."""
    func = f"""
        IF EXISTS (SELECT 1 FROM {record_table} WHERE id = OLD.record_id) THEN
            RAISE EXCEPTION 'a remembered change goes with its record only';
        END IF;
        RETURN NULL;
    """  # noqa: S608 – names given by the models
    return pgtrigger.Trigger(
        name="only_with_record",
        when=pgtrigger.After,
        operation=pgtrigger.Delete,
        timing=pgtrigger.Deferred,
        func=func,
    )
