CREATE FUNCTION wall.sees_conference(conference uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT wall.meeting_agency('run_conferences') IS NOT NULL OR EXISTS (
        SELECT FROM public.conferences_invitation AS invitation
        JOIN public.conferences_conference AS meeting ON meeting.id = invitation.conference_id
        WHERE invitation.conference_id = conference AND meeting.status <> 'planned'
            AND invitation.agency_id = wall.meeting_agency('read_picture')
    )
$$;

CREATE FUNCTION wall.sees_measures_of(decision uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT wall.sees_conference(made.conference_id) FROM public.conferences_decision AS made WHERE made.id = decision
$$;

CREATE FUNCTION wall.sees_edition_of_meeting(edition uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM public.conferences_conference AS meeting
        WHERE meeting.edition_id = edition AND wall.sees_conference(meeting.id)
    )
$$;

-- Who is responsible for a measure reads the decision it follows from and its meeting, invited or not.
CREATE FUNCTION wall.decisions_followed_up() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT decision_id FROM public.conferences_measure WHERE agency_id = wall.agency_for('read_picture')
$$;

CREATE FUNCTION wall.conferences_followed_up() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT conference_id FROM public.conferences_decision WHERE id IN (SELECT wall.decisions_followed_up())
$$;
