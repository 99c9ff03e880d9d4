#!/bin/sh
# The database and its three logins. The container of docker-compose.yml runs this once, on an empty data folder; on
# another server a superuser runs the same statements with passwords of its own.
set -eu
psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 \
    --set web="$DATABASE_WEB_PASSWORD" --set owner="$DATABASE_OWNER_PASSWORD" --set builder="$DATABASE_BUILDER_PASSWORD" <<'SQL'
CREATE ROLE portal_owner LOGIN NOINHERIT PASSWORD :'owner';
CREATE ROLE portal_web LOGIN NOINHERIT PASSWORD :'web';
CREATE ROLE portal_builder LOGIN NOINHERIT PASSWORD :'builder';
CREATE DATABASE portal OWNER portal_owner;
REVOKE ALL ON DATABASE portal FROM PUBLIC;
GRANT CONNECT ON DATABASE portal TO portal_web, portal_builder;
SQL
