import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# The canonical text of a row is written a second time in `agencies.audit_chain`, so that whoever verifies need not
# trust a function kept in the database. A change of columns needs both.
FUNCTIONS = """
CREATE FUNCTION audit_entry_text(entry agencies_auditentry) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_array(
        entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), entry.action,
        entry.user_id, entry.api_key_id, entry.agency_id, entry.owner_id, entry.recipient_id,
        entry.object_type, entry.object_id, entry.purpose, entry.facts
    )::text
$$;

CREATE FUNCTION audit_chain_digest(before bytea, content bytea, place bigint, entry bigint, moment timestamptz)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT sha256(before || content || convert_to(
        place || '|' || entry || '|' || to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), 'UTF8'))
$$;

CREATE FUNCTION audit_enqueue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO agencies_unsealedentry (entry_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_seal(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    waiting record;
    place bigint;
    chain bytea;
    sealed integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(4702394921427289927) THEN
        RETURN 0;
    END IF;
    SELECT position, digest INTO place, chain FROM (
        SELECT position, digest FROM agencies_auditseal
        UNION ALL SELECT position, digest FROM agencies_auditcheckpoint
    ) AS known ORDER BY position DESC LIMIT 1;
    place := coalesce(place, 0);
    chain := coalesce(chain, decode(repeat('00', 32), 'hex'));
    FOR waiting IN
        SELECT entry.id, sha256(convert_to(audit_entry_text(entry), 'UTF8')) AS content
        FROM agencies_unsealedentry AS queued JOIN agencies_auditentry AS entry ON entry.id = queued.entry_id
        ORDER BY entry.id LIMIT most
    LOOP
        place := place + 1;
        chain := audit_chain_digest(chain, waiting.content, place, waiting.id, moment);
        INSERT INTO agencies_auditseal (position, entry_id, content, digest, sealed_at)
        VALUES (place, waiting.id, waiting.content, chain, moment);
        DELETE FROM agencies_unsealedentry WHERE entry_id = waiting.id;
        sealed := sealed + 1;
    END LOOP;
    RETURN sealed;
END
$$;

CREATE FUNCTION audit_term(moment timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    -- The beginning of last year, in whichever time zone of the earth; what is older may go.
    SELECT date_trunc('year', moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 year' + interval '12 hours'
$$;

CREATE FUNCTION audit_expired(older_than timestamptz, OUT place bigint, OUT entries bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    -- Whole beginning of the chain: up to the last seal before the first entry that is to stay.
    WITH kept AS (
        SELECT min(seal.position) AS first FROM agencies_auditseal AS seal
        LEFT JOIN agencies_auditentry AS entry ON entry.id = seal.entry_id
        WHERE least(entry.at, seal.sealed_at) >= older_than
    )
    SELECT max(seal.position), count(*) FROM agencies_auditseal AS seal, kept
    WHERE kept.first IS NULL OR seal.position < kept.first
$$;

CREATE FUNCTION audit_broken_at(until bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    row record;
    place bigint;
    chain bytea;
BEGIN
    SELECT position, digest INTO place, chain FROM agencies_auditcheckpoint ORDER BY position DESC LIMIT 1;
    place := coalesce(place, 0);
    chain := coalesce(chain, decode(repeat('00', 32), 'hex'));
    FOR row IN
        SELECT seal.*, sha256(convert_to(audit_entry_text(entry), 'UTF8')) AS found
        FROM agencies_auditseal AS seal LEFT JOIN agencies_auditentry AS entry ON entry.id = seal.entry_id
        WHERE seal.position <= until ORDER BY seal.position
    LOOP
        place := place + 1;
        chain := audit_chain_digest(chain, row.content, row.position, row.entry_id, row.sealed_at);
        IF row.position <> place OR row.digest <> chain OR row.content IS DISTINCT FROM row.found THEN
            RETURN place;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_purge(older_than timestamptz, OUT removed bigint, OUT broken_at bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    last bigint;
BEGIN
    IF older_than > audit_term(now()) THEN
        RAISE EXCEPTION 'audit_purge: entries younger than the end of the following year are kept';
    END IF;
    PERFORM pg_advisory_xact_lock(4702394921427289927);
    SELECT place, entries INTO last, removed FROM audit_expired(older_than);
    IF last IS NULL THEN
        removed := 0;
        RETURN;
    END IF;
    broken_at := audit_broken_at(last);
    IF broken_at IS NOT NULL THEN
        removed := 0;
        RETURN;
    END IF;
    INSERT INTO agencies_auditcheckpoint (position, digest, entries, older_than, purged_at)
    SELECT position, digest, removed, audit_purge.older_than, now() FROM agencies_auditseal WHERE position = last;
    DELETE FROM agencies_auditentry AS entry USING agencies_auditseal AS seal
    WHERE entry.id = seal.entry_id AND seal.position <= last;
    DELETE FROM agencies_auditseal WHERE position <= last;
    INSERT INTO agencies_auditentry (at, action, object_type, object_id, purpose, facts)
    VALUES (clock_timestamp(), 'log_purged', 'agencies.auditcheckpoint', last::text, '',
            jsonb_build_object('entries', removed));
END
$$;

CREATE FUNCTION audit_keep_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM agencies_auditseal AS seal WHERE seal.entry_id = OLD.id
        AND least(OLD.at, seal.sealed_at) < audit_term(now())
        AND seal.position <= (SELECT max(position) FROM agencies_auditcheckpoint)
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'append_only: entries of % are deleted by audit_purge at the end of their term', TG_TABLE_NAME;
END
$$;

CREATE FUNCTION audit_keep_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF OLD.position <= (SELECT max(position) FROM agencies_auditcheckpoint)
    AND NOT EXISTS (SELECT FROM agencies_auditentry WHERE id = OLD.entry_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'append_only: seals are deleted by audit_purge after their entries';
END
$$;

REVOKE ALL ON FUNCTION audit_entry_text(agencies_auditentry), audit_seal(integer), audit_term(timestamptz),
    audit_chain_digest(bytea, bytea, bigint, bigint, timestamptz), audit_expired(timestamptz),
    audit_broken_at(bigint), audit_purge(timestamptz), audit_enqueue(), audit_keep_entry(), audit_keep_seal()
FROM PUBLIC;

CREATE TRIGGER audit_enqueue AFTER INSERT ON agencies_auditentry FOR EACH ROW EXECUTE FUNCTION audit_enqueue();
CREATE TRIGGER audit_keep BEFORE DELETE ON agencies_auditentry FOR EACH ROW EXECUTE FUNCTION audit_keep_entry();
CREATE TRIGGER audit_keep BEFORE DELETE ON agencies_auditseal FOR EACH ROW EXECUTE FUNCTION audit_keep_seal();
INSERT INTO agencies_unsealedentry (entry_id) SELECT id FROM agencies_auditentry ORDER BY id;
"""
REMOVAL = """
DROP TRIGGER audit_keep ON agencies_auditseal;
DROP TRIGGER audit_keep ON agencies_auditentry;
DROP TRIGGER audit_enqueue ON agencies_auditentry;
DROP FUNCTION audit_keep_seal(), audit_keep_entry(), audit_purge(timestamptz), audit_broken_at(bigint),
    audit_expired(timestamptz), audit_term(timestamptz), audit_seal(integer), audit_enqueue(),
    audit_chain_digest(bytea, bytea, bigint, bigint, timestamptz), audit_entry_text(agencies_auditentry);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agencies", "0003_audit_counts_per_owner"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32, verbose_name="SHA-256 der Kette")),
                ("entries", models.BigIntegerField(verbose_name="gelöschte Einträge")),
                ("older_than", models.DateTimeField(verbose_name="gelöscht wurde, was älter ist als")),
                ("purged_at", models.DateTimeField(verbose_name="gelöscht am")),
            ],
            options={
                "verbose_name": "Löschvermerk des Protokolls",
                "verbose_name_plural": "Löschvermerke des Protokolls",
            },
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry_id", models.BigIntegerField(unique=True)),
                ("content", models.BinaryField(max_length=32, verbose_name="SHA-256 des Eintrags")),
                ("digest", models.BinaryField(max_length=32, verbose_name="SHA-256 der Kette")),
                ("sealed_at", models.DateTimeField(verbose_name="versiegelt am")),
            ],
            options={
                "verbose_name": "Siegel",
                "verbose_name_plural": "Siegel",
            },
        ),
        migrations.CreateModel(
            name="UnsealedEntry",
            fields=[
                ("entry_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "Eintrag ohne Siegel",
                "verbose_name_plural": "Einträge ohne Siegel",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="auditentry",
            name="append_only",
        ),
        migrations.AddField(
            model_name="apikey",
            name="purpose",
            field=models.CharField(
                default="Regelmäßiger Abruf für die Lagebeurteilung der eigenen Behörde",
                max_length=200,
                verbose_name="Zweck",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditentry",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="fba18ef69823a08674741f249b8ec4c4eda0c829",
                    operation="UPDATE",
                    pgid="pgtrigger_append_only_e8a3d",
                    table="agencies_auditentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditcheckpoint",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a96c12a23a4ed8811381bdd0609557624e12a10a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_34cce",
                    table="agencies_auditcheckpoint",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditseal",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="75cc6d123a27cf31b2228962cab4b1ba2d909ed5",
                    operation="UPDATE",
                    pgid="pgtrigger_append_only_544d2",
                    table="agencies_auditseal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(FUNCTIONS, REMOVAL),
    ]
