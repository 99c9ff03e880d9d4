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
