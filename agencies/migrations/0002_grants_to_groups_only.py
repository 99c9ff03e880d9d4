from django.db import migrations

CLOSE = """
ALTER TABLE guardian_userobjectpermission ADD CONSTRAINT grants_to_groups_only CHECK (false);
ALTER TABLE guardian_groupobjectpermission ADD CONSTRAINT grants_in_direct_tables_only CHECK (false);
"""
OPEN = """
ALTER TABLE guardian_userobjectpermission DROP CONSTRAINT grants_to_groups_only;
ALTER TABLE guardian_groupobjectpermission DROP CONSTRAINT grants_in_direct_tables_only;
"""


class Migration(migrations.Migration):
    """Grants go to agencies' groups in tables with a foreign key to the record; the generic tables stay empty."""

    dependencies = [
        ("agencies", "0001_initial"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
    ]

    operations = [migrations.RunSQL(CLOSE, OPEN)]
