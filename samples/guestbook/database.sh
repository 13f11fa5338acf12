#!/bin/sh
# PostgreSQL on the volume /var/lib/postgresql/data: makes the cluster, role and database at the first start, then serves.
set -eu

cluster=/var/lib/postgresql/data/cluster
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
export LC_ALL=C.UTF-8

if [ ! -d "$cluster" ]; then
  echo "making a new database cluster"
  # A start that was cut short leaves only $cluster.new, never half a cluster under the final name.
  rm -rf "$cluster.new"
  initdb --pgdata="$cluster.new" --username=postgres --encoding=UTF8 --auth=reject >/dev/null
  # Nobody gets in but the application's role, from the networks that this container is on.
  echo "host guestbook guestbook samenet scram-sha-256" >"$cluster.new/pg_hba.conf"
  password=$(printf %s "$DATABASE_PASSWORD" | sed "s/'/''/g")
  # The single-user server: one statement a line.
  postgres --single -D "$cluster.new" -c log_checkpoints=off postgres >/dev/null <<SQL
CREATE ROLE guestbook LOGIN PASSWORD '$password';
CREATE DATABASE guestbook OWNER guestbook;
SQL
  mv "$cluster.new" "$cluster"
fi

unset DATABASE_PASSWORD
exec postgres -D "$cluster" \
  -c listen_addresses='*' -c unix_socket_directories='' \
  -c logging_collector=off -c log_line_prefix= -c log_checkpoints=off \
  -c shared_buffers=32MB -c max_connections=20
