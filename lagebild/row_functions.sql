-- For monitoring, which signs on as nobody: the age of the picture and nothing else of it.
CREATE FUNCTION wall.picture_published_at() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT max(published_at) FROM public.lagebild_picture WHERE state = 'published'
$$;
