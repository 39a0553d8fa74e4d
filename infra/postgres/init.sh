#!/bin/sh
# Runs once, when the volume is empty: a database for each service, a role that owns it and migrates,
# and a role that the service runs as, which owns nothing and so is behind the row-level security.
# Neither can enter another database. btree_gist is a trusted extension, so the owner's own migration
# creates it; the migrations also grant the group marca_runtime what a service needs.
set -eu

psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<-'SQL'
	CREATE ROLE marca_runtime NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
SQL

create() { # name, password of the owner, password of the service
    psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
        --set=name="$1" --set=owner_password="$2" --set=app="$1_app" --set=app_password="$3" <<-'SQL'
		CREATE ROLE :"name" LOGIN PASSWORD :'owner_password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
		CREATE ROLE :"app" LOGIN PASSWORD :'app_password' NOSUPERUSER NOCREATEDB NOCREATEROLE
		    NOBYPASSRLS IN ROLE marca_runtime;
		CREATE DATABASE :"name" OWNER :"name";
		REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
		GRANT CONNECT ON DATABASE :"name" TO :"app";
	SQL
}

create marca_tenant "$TENANT_DB_PASSWORD" "$TENANT_APP_DB_PASSWORD"
create marca_user "$USER_DB_PASSWORD" "$USER_APP_DB_PASSWORD"
create marca_resource "$RESOURCE_DB_PASSWORD" "$RESOURCE_APP_DB_PASSWORD"
create marca_booking "$BOOKING_DB_PASSWORD" "$BOOKING_APP_DB_PASSWORD"
