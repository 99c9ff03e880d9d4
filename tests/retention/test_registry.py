"""No table, file or folder without a declared end, and what is declared holds."""

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, models

from hamm_security.retained import FILES, FOLDERS, RECORDS, TABLES, Fate
from incidents.expiry import EXPIRING_TABLES, TECHNICAL_TABLES
from incidents.models import Complaint, Incident
from lagebild.retrospect import CLEARED_TABLES

BY_TABLE = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
# Expire elsewhere than in the nightly run, as their entry says.
WITH_ANOTHER = {"axes_accessattemptexpiration"}


def tables_of_the_database() -> set[str]:
    """Every ordinary, partitioned or materialised relation of every schema but PostgreSQL's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        )
        return {name if schema == "public" else f"{schema}.{name}" for schema, name in cursor.fetchall()}


@pytest.mark.django_db
def test_every_table_of_the_database_has_a_fate():
    assert tables_of_the_database() == {*RECORDS, *TABLES}


@pytest.mark.django_db
def test_a_table_nobody_declared_is_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA nebenan; CREATE TABLE nebenan.undeclared (note text)")
    assert tables_of_the_database() - {*RECORDS, *TABLES} == {"nebenan.undeclared"}


def _holds_a_file(field: models.Field) -> bool:
    return isinstance(field, (models.FileField, models.FilePathField, models.BinaryField))


def test_every_field_that_holds_a_file_has_a_fate():
    found = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if _holds_a_file(field)
    }
    assert found == set(FILES)


def test_every_folder_files_are_kept_in_has_a_fate():
    folders = {
        field.upload_to.split("/")[0]
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.FileField)
    }
    assert folders == set(FOLDERS)
    assert all(isinstance(name, str) and name for name in folders)


def test_the_file_store_is_the_only_one():
    """Another storage would need its folders declared and cleared, too."""
    assert set(settings.STORAGES) == {"default", "staticfiles"}
    fields = [f for m in apps.get_models() for f in m._meta.concrete_fields if isinstance(f, models.FileField)]
    assert fields
    assert {field.storage for field in fields} == {default_storage}


def _cascades_from_a_record(model: type[models.Model]) -> bool:
    return any(
        field.related_model in (Incident, Complaint) and field.remote_field.on_delete is models.CASCADE
        for field in model._meta.concrete_fields
        if field.remote_field
    )


@pytest.mark.parametrize("table", [table for table, (fate, _) in TABLES.items() if fate == Fate.WITH_RECORD])
def test_what_goes_with_the_record_hangs_on_it(table):
    assert _cascades_from_a_record(BY_TABLE[table])


def test_whatever_points_to_a_record_goes_with_it():
    pointing = {
        relation.related_model._meta.db_table
        for model in (Incident, Complaint)
        for relation in model._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete
    }
    assert pointing == {table for table, (fate, _) in TABLES.items() if fate == Fate.WITH_RECORD}


def test_what_expires_is_cleared_by_the_nightly_run():
    expiring = {table for table, (fate, _) in TABLES.items() if fate == Fate.EXPIRES}
    assert expiring == EXPIRING_TABLES | TECHNICAL_TABLES | CLEARED_TABLES | WITH_ANOTHER


@pytest.mark.django_db
def test_tables_declared_empty_are_empty_in_use(world):
    empty = [table for table, (_, why) in TABLES.items() if why.startswith("empty")]
    assert len(empty) >= 4
    assert [table for table in empty if BY_TABLE[table].objects.exists()] == []


def test_tables_that_hold_values_or_ids_have_no_free_text_of_records():
    """Fields that could take a record's text stand in tables that go with it or expire."""
    confidential = {"description", "place_text", "internal_note", "complainant_contact", "reporter_key", "reference"}
    found = {
        table: names
        for table, (fate, _) in TABLES.items()
        if fate in {Fate.VALUES, Fate.IDS} and table in BY_TABLE
        if (names := confidential & {field.name for field in BY_TABLE[table]._meta.concrete_fields})
    }
    # The conference's own text, and the catalogue's.
    assert found == {"conferences_measure": {"description"}, "incidents_category": {"description"}}
