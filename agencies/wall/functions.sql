-- Who acts, and what that opens. Installed by agencies.wall.install; everything here belongs to the owner's login.
-- The context is a signed text in the setting portal.context. It names the actor and is bound to one transaction of one
-- server process, so that it can neither be made up nor used again; whoever cannot read wall.signing_key cannot sign.
-- What the actor may do is looked up here, in the tables, and not taken from the text.

DROP SCHEMA IF EXISTS wall CASCADE;
CREATE SCHEMA wall;

CREATE TABLE wall.signing_key (inner_pad bytea NOT NULL, outer_pad bytea NOT NULL);
CREATE TABLE wall.capability (name text NOT NULL, role text NOT NULL, PRIMARY KEY (name, role));
CREATE TABLE wall.full_kind (kind text PRIMARY KEY);
CREATE TYPE wall.acting AS (kind text, agency bigint, account bigint, scope text, day date);

-- These functions are asked several times in every statement: one look into a table each, no more.

-- HMAC-SHA-256 (RFC 2104) over the payload with the key's pads, which are stored ready-made.
CREATE FUNCTION wall.claims() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    raw text := current_setting('portal.context', true);
    payload text := substr(raw, 66);
    signed bytea := convert_to(payload, 'UTF8');
    claims jsonb;
BEGIN
    IF payload IS NULL OR payload = '' THEN
        RETURN NULL;
    END IF;
    PERFORM FROM wall.signing_key AS key
    WHERE encode(sha256(key.outer_pad || sha256(key.inner_pad || signed)), 'hex') = left(raw, 64);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    claims := payload::jsonb;
    IF (claims ->> 'process')::int <> pg_backend_pid()
        OR (claims ->> 'began')::bigint <> (extract(epoch FROM now()) * 1000000)::bigint
    THEN
        RETURN NULL;
    END IF;
    RETURN claims;
END $$;

-- The actor as the tables know it: nobody where the person is inactive or the key has ended.
CREATE FUNCTION wall.acting() RETURNS wall.acting
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims jsonb := wall.claims();
    actor text := claims ->> 'kind';
    claimed bigint := (claims ->> 'id')::bigint;
    agency bigint;
    account bigint;
    scope text;
BEGIN
    IF claims IS NULL THEN
        RETURN NULL;
    ELSIF actor = 'person' THEN
        SELECT person.agency_id, person.id INTO agency, account
        FROM public.agencies_user AS person
        WHERE person.id = claimed AND person.is_active;
    ELSIF actor = 'key' THEN
        SELECT key.agency_id, key.id, key.scope INTO agency, account, scope
        FROM public.agencies_apikey AS key
        WHERE key.id = claimed AND key.revoked_at IS NULL AND key.expires_at > (claims ->> 'now')::timestamptz;
    ELSIF actor = 'agency' THEN
        SELECT known.id, known.id INTO agency, account FROM public.agencies_agency AS known WHERE known.id = claimed;
    END IF;
    IF actor IN ('person', 'key', 'agency') AND account IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN ROW(actor, agency, account, scope, claims ->> 'day')::wall.acting;
END $$;

CREATE FUNCTION wall.may(actor wall.acting, capability text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF actor.agency IS NULL THEN
        RETURN false;
    ELSIF actor.kind = 'person' THEN
        RETURN EXISTS (
            SELECT FROM public.agencies_user_groups AS held
            JOIN public.agencies_rolegroup AS assigned ON assigned.group_id = held.group_id
            JOIN wall.capability AS allowed ON allowed.role = assigned.role
            WHERE held.user_id = actor.account AND assigned.agency_id = actor.agency AND allowed.name = capability
        );
    ELSIF actor.kind = 'key' AND actor.scope <> 'write' AND capability NOT IN ('read_records', 'read_picture') THEN
        RETURN false;
    END IF;
    -- A key acts as entry staff, background work of an agency as its lead.
    RETURN EXISTS (
        SELECT FROM wall.capability AS allowed
        WHERE allowed.name = capability AND allowed.role = CASE actor.kind WHEN 'key' THEN 'entry' ELSE 'lead' END
    );
END $$;

-- Agencies with an active full membership on the actor's day.
CREATE FUNCTION wall.members_on(day date) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(membership.agency_id), '{}')
    FROM public.agencies_membership AS membership
    WHERE membership.status = 'active' AND membership.kind IN (SELECT kind FROM wall.full_kind)
        AND membership.valid_from <= day AND (membership.valid_until IS NULL OR membership.valid_until >= day)
$$;

-- What the policies ask. Each is written into them as (SELECT wall.name()), hence asked once per query.

CREATE FUNCTION wall.kind() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT (wall.acting()).kind
$$;

CREATE FUNCTION wall.account() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT actor.account FROM wall.acting() AS actor WHERE actor.kind = 'person'
$$;

CREATE FUNCTION wall.agency() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT (wall.acting()).agency
$$;

CREATE FUNCTION wall.agency_slug() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT slug FROM public.agencies_agency WHERE id = (wall.acting()).agency
$$;

CREATE FUNCTION wall.can(capability text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT wall.may(wall.acting(), capability)
$$;

-- The agency, for whom the capability opens its rows; nobody's otherwise.
CREATE FUNCTION wall.agency_for(capability text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
BEGIN
    RETURN CASE WHEN wall.may(actor, capability) THEN actor.agency END;
END $$;

CREATE FUNCTION wall.members() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT wall.members_on((wall.acting()).day)
$$;

-- Agencies whose shared faces the actor sees: none while the own membership is not active.
CREATE FUNCTION wall.givers() RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
    members bigint[];
BEGIN
    IF NOT wall.may(actor, 'read_records') THEN
        RETURN '{}';
    END IF;
    members := wall.members_on(actor.day);
    RETURN CASE WHEN actor.agency = ANY (members) THEN members ELSE '{}' END;
END $$;

-- The agency into whose records the administration looks at the actor's moment, with a stated reason. Like all sharing it
-- is between agencies whose memberships are both active.
CREATE FUNCTION wall.inspected_agency() RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor wall.acting := wall.acting();
    moment timestamptz;
    members bigint[];
BEGIN
    IF actor.kind IS DISTINCT FROM 'person' OR NOT wall.may(actor, 'inspect_records')
        OR NOT EXISTS (SELECT FROM public.agencies_agency WHERE id = actor.agency AND is_coordination)
    THEN
        RETURN NULL;
    END IF;
    moment := (wall.claims() ->> 'now')::timestamptz;
    members := wall.members_on(actor.day);
    RETURN (
        SELECT inspection.agency_id FROM public.agencies_inspection AS inspection
        WHERE inspection.user_id = actor.account AND inspection.ended_at IS NULL
            AND inspection.opened_at <= moment AND inspection.ends_at > moment
            AND inspection.agency_id <> actor.agency
            AND inspection.agency_id = ANY (members) AND actor.agency = ANY (members)
    );
END $$;

CREATE FUNCTION wall.member_group() RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT group_id FROM public.agencies_rolegroup
    WHERE role = 'member' AND agency_id = wall.agency_for('read_records')
$$;

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
