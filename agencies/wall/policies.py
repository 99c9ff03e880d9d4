"""How a table is declared to the second lock. Each app lists its tables in its `row_policies.py`.

A rule is an SQL condition over the row, for one login and some commands. What has no rule cannot be done: the
privileges granted to a login are exactly the commands its rules name. Functions in a condition are written as
`(SELECT wall.…)` or, for several rows, `ARRAY(SELECT wall.…)`, so that PostgreSQL asks them once per query and can use
indexes on the column they are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Login = Literal["web", "builder"]
Command = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
READ: tuple[Command, ...] = ("SELECT",)
WRITE: tuple[Command, ...] = ("INSERT", "UPDATE", "DELETE")
ALL: tuple[Command, ...] = (*READ, *WRITE)


@dataclass(frozen=True)
class Rule:
    """`commands` on rows for which `condition` holds, before and (writing) after; `columns` narrows SELECT."""

    login: Login
    commands: tuple[Command, ...]
    condition: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guarded:
    """A table under row-level security. Of `unmeasured` columns the planner keeps no statistics: EXPLAIN tells them."""

    rules: tuple[Rule, ...]
    unmeasured: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unguarded:
    """A table without rows of any agency; the reason is for the reader and is required."""

    reason: str
    web: tuple[Command, ...] = READ
    builder: tuple[Command, ...] = READ


Table = Guarded | Unguarded


def web(*commands: Command, when: str) -> Rule:
    return Rule("web", commands, when)


def builder(*commands: Command, when: str = "(SELECT wall.kind()) = 'builder'", columns: tuple[str, ...] = ()) -> Rule:
    return Rule("builder", commands, when, columns)


def can(capability: str) -> str:
    return f"(SELECT wall.can('{capability}'))"


def own(capability: str) -> str:
    """Rows of the own agency, for who has the capability."""
    return f"agency_id = (SELECT wall.agency_for('{capability}'))"


def keeps(table: str, *changing: str) -> str:
    """After the write the row is what it was but for the `changing` columns."""
    return f"wall.keeps('{table}', id::text, to_jsonb({table}.*), '{{{','.join(changing)}}}')"


def among(function: str) -> str:
    """Rows of the agencies that a function of the wall names."""
    return f"agency_id = ANY (ARRAY(SELECT wall.{function}()))"


def acts_as(*kinds: str) -> str:
    return "(SELECT wall.kind()) IN ({})".format(", ".join(f"'{kind}'" for kind in kinds))


def owned(*, write: str = "enter_records", build: bool = False) -> Guarded:
    """A table of the owner's alone; `build` lets the nightly build count the rows of active members."""
    rules = [web(*READ, when=own("read_records")), web(*WRITE, when=own(write))]
    if build:
        rules.append(builder(*READ, when=among("members")))
    return Guarded(tuple(rules))


def catalogue() -> Guarded:
    """Common reference data: everybody who acts reads it, the operator's commands and the administration change it."""
    return Guarded(
        (
            web(*READ, when="(SELECT wall.kind()) IS NOT NULL"),
            web(*WRITE, when=f"{acts_as('operator')} OR {can('administer_memberships')}"),
            builder(*READ),
        )
    )
