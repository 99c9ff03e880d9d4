-- Who acts, and what that opens. Installed by agencies.wall.install; everything here belongs to the owner's login.
-- The context is a signed text in the setting portal.context. It names the actor and is bound to one transaction of one
-- server process, so that it can neither be made up nor used again; whoever cannot read wall.signing_key cannot sign.
-- What the actor may do is looked up here, in the tables, and not taken from the text.

DROP SCHEMA IF EXISTS wall CASCADE;
CREATE SCHEMA wall;

CREATE TABLE wall.signing_key (place int PRIMARY KEY, inner_pad bytea NOT NULL, outer_pad bytea NOT NULL);
CREATE TYPE wall.acting AS (kind text, agency bigint, account bigint, scope text, day date, moment timestamptz);

-- These functions are asked several times in every statement: one short look into a table each, no more, and what can be
-- said without a query is (PL/pgSQL prepares an expression once per transaction, a query each time it runs).

-- HMAC-SHA-256 (RFC 2104) over what follows the signature, with a key's pads, which are stored ready-made.
CREATE FUNCTION wall.signature(inner_pad bytea, outer_pad bytea, context text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(outer_pad || sha256(inner_pad || convert_to(substr(context, 66), 'UTF8'))), 'hex')
$$;

-- The actor as the tables know it: nobody where the person is inactive or the key has ended.
CREATE FUNCTION wall.acting() RETURNS wall.acting
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    context text := current_setting('portal.context', true);
    -- Kind, number, day, moment, process and beginning of the transaction.
    claims text[] := string_to_array(substr(context, 66), '|');
    claimed bigint;
    agency bigint;
    account bigint;
    scope text;
    ends_at timestamptz := 'infinity';
    inner_pad bytea;
    outer_pad bytea;
BEGIN
    -- Compared as text: of what nobody may have signed nothing is taken for a date or a moment.
    IF claims[5] IS DISTINCT FROM pg_backend_pid()::text
        OR claims[6] IS DISTINCT FROM (extract(epoch FROM now()) * 1000000)::bigint::text
    THEN
        RETURN NULL;
    END IF;
    IF claims[2] ~ '^[0-9]{1,18}$' THEN
        claimed := claims[2];
    END IF;
    IF claims[1] = 'person' THEN
        SELECT person.agency_id, person.id, key.inner_pad, key.outer_pad INTO agency, account, inner_pad, outer_pad
        FROM wall.signing_key AS key, public.agencies_user AS person
        WHERE key.place = 0 AND person.id = claimed AND person.is_active;
    ELSIF claims[1] = 'key' THEN
        SELECT access.agency_id, access.id, access.scope, access.expires_at, key.inner_pad, key.outer_pad
        INTO agency, account, scope, ends_at, inner_pad, outer_pad
        FROM wall.signing_key AS key, public.agencies_apikey AS access
        WHERE key.place = 0 AND access.id = claimed AND access.revoked_at IS NULL;
    ELSIF claims[1] = 'agency' THEN
        SELECT known.id, known.id, key.inner_pad, key.outer_pad INTO agency, account, inner_pad, outer_pad
        FROM wall.signing_key AS key, public.agencies_agency AS known
        WHERE key.place = 0 AND known.id = claimed;
    ELSE
        SELECT key.inner_pad, key.outer_pad INTO inner_pad, outer_pad FROM wall.signing_key AS key WHERE key.place = 0;
    END IF;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF wall.signature(inner_pad, outer_pad, context) <> left(context, 64) THEN
        -- By a process that still signs with a key being replaced.
        PERFORM FROM wall.signing_key AS key
        WHERE wall.signature(key.inner_pad, key.outer_pad, context) = left(context, 64);
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    IF ends_at <= claims[4]::timestamptz THEN
        RETURN NULL;
    END IF;
    RETURN ROW(claims[1], agency, account, scope, claims[3], claims[4])::wall.acting;
END $$;

CREATE FUNCTION wall.may(actor wall.acting, capability text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    roles text[] := wall.roles_for(capability);
BEGIN
    IF actor.agency IS NULL THEN
        RETURN false;
    ELSIF actor.kind = 'person' THEN
        RETURN EXISTS (
            SELECT FROM public.agencies_user_groups AS held
            JOIN public.agencies_rolegroup AS assigned ON assigned.group_id = held.group_id
            WHERE held.user_id = actor.account AND assigned.agency_id = actor.agency AND assigned.role = ANY (roles)
        );
    ELSIF actor.kind = 'key' AND actor.scope <> 'write' AND capability NOT IN ('read_records', 'read_picture') THEN
        RETURN false;
    END IF;
    -- A key acts as entry staff, background work of an agency as its lead.
    RETURN CASE actor.kind WHEN 'key' THEN 'entry' ELSE 'lead' END = ANY (roles);
END $$;

-- Agencies with an active full membership on the actor's day.
CREATE FUNCTION wall.members_on(day date) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT membership.agency_id FROM public.agencies_membership AS membership
        WHERE membership.status = 'active' AND membership.kind = ANY (wall.full_kinds())
            AND membership.valid_from <= day AND (membership.valid_until IS NULL OR membership.valid_until >= day)
    );
END $$;

-- What the policies ask. Each is written into them as (SELECT wall.name()), hence asked once per query.

CREATE FUNCTION wall.kind() RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (wall.acting()).kind;
END $$;

CREATE FUNCTION wall.account() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT actor.account FROM wall.acting() AS actor WHERE actor.kind = 'person'
$$;

CREATE FUNCTION wall.agency() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (wall.acting()).agency;
END $$;

CREATE FUNCTION wall.agency_slug() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT slug FROM public.agencies_agency WHERE id = (wall.acting()).agency
$$;

CREATE FUNCTION wall.can(capability text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN wall.may(wall.acting(), capability);
END $$;

-- The agency, for whom the capability opens its rows; nobody's otherwise.
CREATE FUNCTION wall.agency_for(capability text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
BEGIN
    RETURN CASE WHEN wall.may(actor, capability) THEN actor.agency END;
END $$;

-- Several agencies are rows, which the policies gather as ARRAY(SELECT wall.name()): an array that a function returns is
-- packed where it is short, and unpacked again for each row it is compared with.

CREATE FUNCTION wall.members() RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
    SELECT unnest(wall.members_on((wall.acting()).day))
$$;

-- Agencies whose shared faces the actor sees: none while the own membership is not active.
CREATE FUNCTION wall.givers() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
    members bigint[];
    giver bigint;
BEGIN
    IF wall.may(actor, 'read_records') THEN
        members := wall.members_on(actor.day);
        IF actor.agency = ANY (members) THEN
            FOREACH giver IN ARRAY members LOOP
                RETURN NEXT giver;
            END LOOP;
        END IF;
    END IF;
END $$;

-- The agency into whose records the administration looks at the actor's moment, with a stated reason. Like all sharing it
-- is between agencies whose memberships are both active.
CREATE FUNCTION wall.inspected_by(actor wall.acting) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    members bigint[];
BEGIN
    -- Nearly nobody has one, which is the quickest to see.
    PERFORM FROM public.agencies_inspection AS inspection
    WHERE inspection.user_id = actor.account AND inspection.ended_at IS NULL;
    IF NOT FOUND OR actor.kind <> 'person' OR NOT wall.may(actor, 'inspect_records')
        OR NOT EXISTS (SELECT FROM public.agencies_agency WHERE id = actor.agency AND is_coordination)
    THEN
        RETURN NULL;
    END IF;
    members := wall.members_on(actor.day);
    RETURN (
        SELECT inspection.agency_id FROM public.agencies_inspection AS inspection
        WHERE inspection.user_id = actor.account AND inspection.ended_at IS NULL
            AND inspection.opened_at <= actor.moment AND inspection.ends_at > actor.moment
            AND inspection.agency_id <> actor.agency
            AND inspection.agency_id = ANY (members) AND actor.agency = ANY (members)
    );
END $$;

CREATE FUNCTION wall.inspected_agency() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN wall.inspected_by(wall.acting());
END $$;

-- Agencies whose faces are open at every level: the own one and the inspected one.
CREATE FUNCTION wall.open_agencies() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 2 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
    inspected bigint;
BEGIN
    IF wall.may(actor, 'read_records') THEN
        RETURN NEXT actor.agency;
    END IF;
    inspected := wall.inspected_by(actor);
    IF inspected IS NOT NULL THEN
        RETURN NEXT inspected;
    END IF;
END $$;

CREATE FUNCTION wall.member_group() RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own bigint := wall.agency_for('read_records');
BEGIN
    RETURN (SELECT assigned.group_id FROM public.agencies_rolegroup AS assigned
        WHERE assigned.role = 'member' AND assigned.agency_id = own);
END $$;

-- Who may look up the other agencies: active full members and the coordination office.
CREATE FUNCTION wall.sees_directory() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
BEGIN
    RETURN actor.agency IS NOT NULL AND (
        actor.agency = ANY (wall.members_on(actor.day))
        OR EXISTS (SELECT FROM public.agencies_agency WHERE id = actor.agency AND is_coordination)
    );
END $$;

-- Whose members and roles one may see: as of the people themselves, those of the own agency and the coordination office.
CREATE FUNCTION wall.groups_in_sight() RETURNS SETOF int
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
    sees_all boolean := actor.kind IN ('visitor', 'operator')
        OR wall.may(actor, 'administer_memberships') OR wall.may(actor, 'read_audit');
    sees_office boolean := wall.sees_directory();
BEGIN
    IF sees_all OR actor.agency IS NOT NULL THEN
        RETURN QUERY SELECT assigned.group_id FROM public.agencies_rolegroup AS assigned
        JOIN public.agencies_agency AS known ON known.id = assigned.agency_id
        WHERE sees_all OR known.id = actor.agency OR (known.is_coordination AND sees_office);
    END IF;
END $$;

CREATE FUNCTION wall.sees_picture() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
BEGIN
    RETURN wall.may(actor, 'read_picture') AND actor.agency = ANY (wall.members_on(actor.day));
END $$;

-- The agency that takes part in meetings: any active membership, a guest's too.
CREATE FUNCTION wall.meeting_agency(capability text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
BEGIN
    RETURN CASE WHEN wall.may(actor, capability) AND EXISTS (
        SELECT FROM public.agencies_membership AS membership
        WHERE membership.agency_id = actor.agency AND membership.status = 'active'
            AND membership.valid_from <= actor.day
            AND (membership.valid_until IS NULL OR membership.valid_until >= actor.day)
    ) THEN actor.agency END;
END $$;

-- The row as it was when the statement began, but for the columns that may change: what column privileges would say, were
-- they not the same for everybody who works with the login. Without the owner's rights: it compares what one may read.
CREATE FUNCTION wall.keeps(name text, key text, written jsonb, changing text[]) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored jsonb;
BEGIN
    EXECUTE format('SELECT to_jsonb(stored.*) FROM public.%I AS stored WHERE id::text = $1', name) INTO stored USING key;
    RETURN stored - changing = written - changing;
END $$;

CREATE FUNCTION wall.api_key() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT actor.account FROM wall.acting() AS actor WHERE actor.kind = 'key'
$$;

-- The triggers that keep log and history as they are could be switched off by a setting anybody may change.
CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name name) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    RETURN false;
END $$;
