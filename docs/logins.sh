#!/bin/sh
# The database and its three logins. The container of docker-compose.yml runs this once, on an empty data folder; on
# another server a superuser runs the same statements with passwords of its own.
set -eu
psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 \
    --set web="$DATABASE_WEB_PASSWORD" --set owner="$DATABASE_OWNER_PASSWORD" --set builder="$DATABASE_BUILDER_PASSWORD" <<'SQL'
CREATE ROLE portal_owner LOGIN NOINHERIT PASSWORD :'owner';
CREATE ROLE portal_web LOGIN NOINHERIT PASSWORD :'web';
CREATE ROLE portal_builder LOGIN NOINHERIT PASSWORD :'builder';
-- Who shares a login could read the others' running statements with all their values.
ALTER ROLE portal_web SET track_activities = off;
ALTER ROLE portal_builder SET track_activities = off;
CREATE DATABASE portal OWNER portal_owner;
REVOKE ALL ON DATABASE portal FROM PUBLIC;
GRANT CONNECT ON DATABASE portal TO portal_web, portal_builder;
\connect portal
-- Searches may ask before row-level security does: these functions tell nothing of a text but whether it matches. LIKE is
-- not among them: a pattern that ends in a backslash fails just where the text before it is found, in hidden rows too.
ALTER FUNCTION pg_catalog.ts_match_vq(tsvector, tsquery) LEAKPROOF;
ALTER FUNCTION pg_catalog.strpos(text, text) LEAKPROOF;
ALTER FUNCTION pg_catalog.upper(text) LEAKPROOF;
SQL
