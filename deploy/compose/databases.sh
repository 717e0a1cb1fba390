#!/bin/sh
# Makes a database and a user for each service when PostgreSQL is set up; run by the entry point of its image.
# Names and passwords are those of the URLs that the services get. Nobody but its own service may connect to a database.
set -eu
for service in intake routing notify search; do
    url=$(cat "${SECRETS:-/run/secrets}/$service-database-url")
    user=${url#*://}
    user=${user%@*}
    psql --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
        --set name="${user%%:*}" --set word="${user#*:}" --set base="${url##*/}" <<'END'
create role :"name" login password :'word';
create database :"base" owner :"name";
revoke connect, temporary on database :"base" from public;
END
done
