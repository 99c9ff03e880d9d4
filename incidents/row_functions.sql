CREATE FUNCTION wall.view_permission(kind text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT permission.id FROM public.auth_permission AS permission
    JOIN public.django_content_type AS type ON type.id = permission.content_type_id
    WHERE type.app_label = 'incidents' AND type.model = kind AND permission.codename = 'view_' || kind
$$;

-- Whether the record is the own agency's; asked of grants, whose policy must not ask the faces, which ask the grants.
CREATE FUNCTION wall.owns_incident(record uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM public.incidents_incident WHERE id = record AND agency_id = wall.agency_for('read_records')
    )
$$;

CREATE FUNCTION wall.owns_complaint(record uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM public.incidents_complaint WHERE id = record AND agency_id = wall.agency_for('read_records')
    )
$$;

-- Records granted to the own agency one by one. A function, because a policy that reads the grants would be checked by
-- the grants' own policy once more, in each part of each query.
CREATE FUNCTION wall.granted_incidents() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own bigint := wall.agency_for('read_records');
BEGIN
    RETURN QUERY SELECT given.content_object_id FROM public.agencies_rolegroup AS receiving
    JOIN public.incidents_incidentgroupobjectpermission AS given ON given.group_id = receiving.group_id
    JOIN public.auth_permission AS permission ON permission.id = given.permission_id
    WHERE receiving.agency_id = own AND receiving.role = 'member' AND permission.codename = 'view_incident';
END $$;

CREATE FUNCTION wall.granted_complaints() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own bigint := wall.agency_for('read_records');
BEGIN
    RETURN QUERY SELECT given.content_object_id FROM public.agencies_rolegroup AS receiving
    JOIN public.incidents_complaintgroupobjectpermission AS given ON given.group_id = receiving.group_id
    JOIN public.auth_permission AS permission ON permission.id = given.permission_id
    WHERE receiving.agency_id = own AND receiving.role = 'member' AND permission.codename = 'view_complaint';
END $$;

-- Whether the record of a remembered change is gone is asked with the owner's rights: whoever acts for nobody at the end of
-- the transaction sees no record, and would take each for deleted.
DO $$
DECLARE
    asking regprocedure;
BEGIN
    FOR asking IN SELECT tgfoid FROM pg_trigger WHERE tgname LIKE 'pgtrigger_only_with_record_%' LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp', asking);
    END LOOP;
END $$;
