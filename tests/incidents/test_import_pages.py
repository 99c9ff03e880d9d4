import datetime
import json

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from incidents.importing import readers
from incidents.models import DeliveredWeek, ImportRun, Incident
from tests import factories

CONTENT = "aktenzeichen;kategorie;beginn\nA-1;noise;06.10.2022 10:00\nA-2;GEHEIM-4711;06.10.2022 10:00\n"
INDEX = "/vorfaelle/import/"


@pytest.fixture
def release(world, signed_in):
    factories.make_category("noise")
    return signed_in(world.owner_release)


def send(client, content: str | bytes = CONTENT, kind: str = "incident", **fields):
    data = content.encode() if isinstance(content, str) else content
    upload = SimpleUploadedFile("vorfälle.csv", data)
    return client.post(INDEX, {"kind": kind, "file": upload, **fields}, follow=True)


def text(response) -> str:
    return response.content.decode()


def test_upload_is_checked_first_and_taken_over_by_decision(release, django_capture_on_commit_callbacks):
    page = send(release)
    run = ImportRun.objects.get()
    name = run.upload.name
    assert page.redirect_chain == [(reverse("imports:run", args=[run.pk]), 302)]
    assert "Übernehmen ohne die abgelehnten Zeilen" in text(page)
    assert "Diese Kategorie ist nicht bekannt" in text(page)
    assert "GEHEIM-4711" not in text(page)
    assert (run.status, run.created, run.refused, Incident.objects.count()) == ("checked", 1, 1, 0)
    assert default_storage.exists(name)
    assert "vorf" not in name

    with django_capture_on_commit_callbacks(execute=True):
        done = release.post(reverse("imports:take_over", args=[run.pk]), follow=True)
    assert "Die Datei ist übernommen" in text(done)
    run.refresh_from_db()
    assert (run.status, run.created, bool(run.upload), Incident.objects.count()) == ("done", 1, False, 1)
    assert not default_storage.exists(name)

    again = release.post(reverse("imports:take_over", args=[run.pk]), follow=True)
    assert "schon übernommen oder verworfen" in text(again)
    assert Incident.objects.count() == 1


def test_discarded_upload_leaves_no_file(release, django_capture_on_commit_callbacks):
    send(release)
    run = ImportRun.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        page = release.post(reverse("imports:discard", args=[run.pk]), follow=True)
    assert "Es wurde nichts übernommen" in text(page)
    assert not default_storage.exists(run.upload.name)
    assert not ImportRun.objects.exists()


def test_forgotten_upload_goes_with_the_next_one(release, django_capture_on_commit_callbacks):
    send(release)
    old = ImportRun.objects.get()
    ImportRun.objects.update(created_at=timezone.now() - datetime.timedelta(days=2))
    with django_capture_on_commit_callbacks(execute=True):
        send(release)
    assert not default_storage.exists(old.upload.name)
    assert ImportRun.objects.get().pk != old.pk


def test_upload_that_vanished_is_told(release):
    send(release)
    run = ImportRun.objects.get()
    default_storage.delete(run.upload.name)
    page = release.post(reverse("imports:take_over", args=[run.pk]), follow=True)
    assert "nicht mehr da" in text(page)
    assert not Incident.objects.exists()


def test_mapping_file_is_used_and_kept_with_the_run(release):
    content = "Nr,Art,Tag\n1,XY,2022-10-06\n"
    columns = {"reference": "Nr", "category": "Art", "occurred_from": "Tag"}
    mapping = json.dumps({"columns": columns, "codes": {"category": {"xy": "noise"}}, "level": "statistics"})
    page = send(release, content, mapping=SimpleUploadedFile("z.json", mapping.encode()))
    run = ImportRun.objects.get()
    assert (run.created, run.mapping["columns"]) == (1, columns)
    assert "„Nur zählen“" in text(page)
    release.post(reverse("imports:take_over", args=[run.pk]))
    assert Incident.objects.get().sharing_level == "statistics"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "leer"),
        (b"PK\x03\x04rest", "Excel-Arbeitsmappe"),
        ("kategorie;beginn\nLärm;06.10.2022\n".encode("cp1252"), "Windows-1252"),
        (b"\x1f\x8b\x08", "gepackt"),
        ("a;b\n1;2\n", "fehlen Pflichtspalten: Kategorie, Beginn"),
    ],
)
def test_unreadable_upload_is_explained_at_the_field(release, content, words):
    page = send(release, content)
    assert words in text(page)
    assert 'id="id_file_error"' in text(page)
    assert not ImportRun.objects.exists()


def test_empty_form_names_what_is_missing(release):
    page = release.post(INDEX, {})
    assert "Es ist keine Datei gewählt" in text(page)
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("mapping", [b"kein json", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_unreadable_mapping_is_explained_at_its_field(release, mapping):
    page = send(release, mapping=SimpleUploadedFile("z.json", mapping))
    assert "kein lesbares JSON-Objekt" in text(page)


def test_large_uploads_stay_within_limits(release, settings, monkeypatch):
    settings.UPLOAD_MAX_BYTES = 1024**2
    assert "größer als 1 MB" in text(send(release, CONTENT + "x" * 1024**2))
    monkeypatch.setattr(readers, "BROWSER_ROWS", 1)
    assert "mehr als 1 Zeilen" in text(send(release))
    assert not ImportRun.objects.exists()


def test_run_and_its_report_belong_to_the_agency(release, world, signed_in):
    send(release)
    run = ImportRun.objects.get()
    report = release.get(reverse("imports:report", args=[run.pk]))
    assert report["Content-Disposition"] == f'attachment; filename="importbericht-{run.pk}.csv"'
    lines = report.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Zeile;Spalte;Grund"
    assert lines[1].startswith("3;kategorie;Diese Kategorie ist nicht bekannt.")
    partner = signed_in(world.partner_release)
    for name in ("run", "report"):
        assert partner.get(reverse(f"imports:{name}", args=[run.pk])).status_code == 404
    for name in ("take_over", "discard"):
        assert partner.post(reverse(f"imports:{name}", args=[run.pk])).status_code == 404
    assert "vorfälle.csv" not in text(partner.get(INDEX))
    assert ImportRun.objects.get().status == "checked"


@pytest.mark.parametrize("name", ["owner_entry", "guest", "chair", "data_protection", "admin", "without_agency"])
def test_other_roles_do_not_import(world, signed_in, name):
    client = signed_in(world.people()[name])
    assert client.get(INDEX).status_code == 403
    assert send(client).status_code == 403
    assert client.post(reverse("imports:nothing")).status_code == 403
    assert client.get(reverse("imports:template", args=["incident"])).status_code == 403


def test_anonymous_is_sent_to_the_login(client, db):
    assert client.get(INDEX).url.startswith("/konto/anmelden/")


@pytest.mark.parametrize("kind", ["incident", "complaint", "counts"])
def test_template_is_understood_by_the_import(world, signed_in, kind):
    factories.make_category("noise", kind="incident" if kind == "counts" else kind)
    world.police.delivers_counts = True
    world.police.save()
    client = signed_in(world.owner_release)
    template = client.get(reverse("imports:template", args=[kind])).content
    assert template.startswith(b"\xef\xbb\xbf")
    columns = template.decode("utf-8-sig").strip().split(";")
    values = {"kategorie": "noise", "beginn": "06.10.2022", "aktenzeichen": "A", "gebiet": "West", "anzahl": "1"}
    values |= {"zeitraum_von": "01.08.2022", "zeitraum_bis": "31.08.2022"}
    send(client, template + ";".join(values.get(column, "") for column in columns).encode(), kind=kind)
    run = ImportRun.objects.get()
    assert (run.created, run.refused, run.mapping) == (1, 0, {})


def test_nothing_to_report_is_delivered_from_the_page(release, world):
    monday = timezone.localdate() - datetime.timedelta(days=timezone.localdate().weekday() + 7)
    assert "Fehlanzeige abgeben" in text(release.get(INDEX))
    page = release.post(reverse("imports:nothing"), {"week": monday.isoformat()}, follow=True)
    assert "Die Fehlanzeige ist gespeichert" in text(page)
    assert DeliveredWeek.objects.get(agency=world.police, week=monday).basis == "nothing"
    page = release.post(reverse("imports:nothing"), {"week": monday.isoformat()}, follow=True)
    assert "keine Fehlanzeige möglich" in text(page)


def test_list_of_runs_needs_the_same_queries_for_many(release, world, django_assert_max_num_queries):
    def runs(count: int) -> None:
        for number in range(count):
            ImportRun.objects.create(
                agency=world.police,
                file_name=f"{number}.csv",
                kind="incident",
                status="done",
                created_by=world.owner_release,
            )

    runs(2)
    with django_assert_max_num_queries(40) as few:
        release.get(INDEX)
    runs(15)
    with django_assert_max_num_queries(len(few)):
        release.get(INDEX)
