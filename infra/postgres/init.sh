#!/bin/sh
# Runs once, when the volume is empty: a database for each service, and a role that owns it and can
# enter no other. btree_gist is a trusted extension, so the owner's own migration creates it.
set -eu

create() { # name, password
    psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set=name="$1" --set=password="$2" <<-'SQL'
		CREATE ROLE :"name" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
		CREATE DATABASE :"name" OWNER :"name";
		REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
	SQL
}

create marca_tenant "$TENANT_DB_PASSWORD"
create marca_user "$USER_DB_PASSWORD"
create marca_resource "$RESOURCE_DB_PASSWORD"
create marca_booking "$BOOKING_DB_PASSWORD"
