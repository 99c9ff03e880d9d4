import json

import pytest
from django.core.management import CommandError, call_command

from incidents.models import ImportRun, Incident
from tests import factories

CONTENT = "aktenzeichen;kategorie;beginn\nA-1;noise;06.10.2022 10:00\nA-2;fremd;06.10.2022 10:00\n"


@pytest.fixture
def deliver(world, tmp_path, capsys):
    factories.make_category("noise")
    (tmp_path / "lieferung.csv").write_text(CONTENT, encoding="utf-8")

    def call(*options: str) -> str:
        call_command("import_records", str(tmp_path / "lieferung.csv"), "--agency=polizei", "--kind=incident", *options)
        return capsys.readouterr().out

    return call


def test_command_imports_and_says_what_it_did(deliver):
    out = deliver()
    assert "2 Zeilen gelesen: 1 neu, 0 geändert, 0 unverändert, 0 ausgelassen, 1 abgelehnt." in out
    assert "Zeile 3, Spalte kategorie: Diese Kategorie ist nicht bekannt." in out
    assert "fremd" not in out
    assert (Incident.objects.count(), ImportRun.objects.get().created_by) == (1, None)


def test_dry_run_writes_nothing(deliver):
    assert "1 neu" in deliver("--dry-run")
    assert (Incident.objects.count(), ImportRun.objects.count()) == (0, 0)


def test_all_or_nothing_fails_with_the_reasons(deliver, capsys):
    with pytest.raises(CommandError, match="nichts übernommen"):
        deliver("--all-or-nothing")
    assert "1 abgelehnt" in capsys.readouterr().out
    assert (Incident.objects.count(), ImportRun.objects.get().status) == (0, "failed")


def test_command_uses_a_mapping_file(deliver, tmp_path):
    path = tmp_path / "zuordnung.json"
    path.write_text(json.dumps({"codes": {"category": {"fremd": "noise"}}}), encoding="utf-8")
    assert "2 neu" in deliver(f"--mapping={path}")


def test_command_refuses_what_is_not_there(deliver, tmp_path):
    with pytest.raises(CommandError, match="kein lesbares JSON"):
        deliver(f"--mapping={tmp_path}/fehlt.json")
    with pytest.raises(CommandError, match="Behörde gibt es nicht"):
        deliver("--agency=niemand")
    with pytest.raises(CommandError, match="nicht öffnen"):
        call_command("import_records", str(tmp_path / "fehlt.csv"), "--agency=polizei", "--kind=incident")
    (tmp_path / "lieferung.csv").write_bytes(b"PK\x03\x04")
    with pytest.raises(CommandError, match="Excel"):
        deliver()
