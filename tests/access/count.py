"""How much the access tests try: `python -m tests.access.count` (no database is needed)."""

from __future__ import annotations

from tests.access.routes import API_ROWS, KEYS, PAGE_ROWS, PEOPLE

REFUSED = ("401", "403", "404", "log")


def figures() -> dict[str, int]:
    tables = ((PAGE_ROWS, PEOPLE), (API_ROWS, KEYS))
    return {
        "routes": len({row.route for rows, _ in tables for row in rows}),
        "routes x methods x objects": sum(len(rows) for rows, _ in tables),
        "people": len(PEOPLE),
        "keys": len(KEYS),
        "answers in the table, each checked": sum(len(rows) * len(columns) for rows, columns in tables),
        "of them refused": sum(
            status in REFUSED for rows, _ in tables for row in rows for status in row.expected.values()
        ),
    }


if __name__ == "__main__":
    for name, number in figures().items():
        print(f"{number:>7,} {name}")
