"""What the log costs: one entry against the list page it belongs to, and sealing and verifying by the thousand."""

from collections.abc import Iterator
from time import perf_counter

from agencies import audit, audit_chain
from agencies.wall.context import Office, acting_as
from tests.bench.measurement import Measurement, median_ms
from tests.bench.pages import LIST, bench_reader, reader_client

MOST_OF_A_PAGE = 0.1
ENTRIES = 20_000


def writing() -> Iterator[Measurement]:
    reader, client = bench_reader(), reader_client()
    facts = {"kind": "incident", "owners": {"ordnungsamt": 30, "feuerwehr": 12}}
    with acting_as(reader):
        entry_ms = median_ms(lambda: audit.record(audit.Act.SEARCHED, by=reader, purpose="Messung", **facts), runs=200)
    page_ms = median_ms(lambda: client.get(LIST), runs=9)
    ratio = round(entry_ms / page_ms / MOST_OF_A_PAGE, 3)
    yield Measurement("audit entry", entry_ms, "ms", vs=f"a tenth of the list page ({page_ms} ms)", ratio=ratio)


def chain() -> Iterator[Measurement]:
    with acting_as(Office.OPERATOR):
        yield from _chain(bench_reader())


def _chain(reader) -> Iterator[Measurement]:
    while audit_chain.seal():
        pass
    with acting_as(reader):
        for number in range(ENTRIES):
            audit.record(audit.Act.READ, by=reader, owner=reader.agency, page=number)
    started = perf_counter()
    while audit_chain.seal():
        pass
    yield Measurement("audit seal", round(ENTRIES / (perf_counter() - started)), "entries/s")
    run, started = audit_chain.Verification(), perf_counter()
    if list(audit_chain.verify(run)):
        raise SystemExit("The log of the benchmark does not verify.")
    yield Measurement("audit verify", round(run.entries / (perf_counter() - started)), "entries/s")
