-- SPDX-License-Identifier: MIT
-- Who did what: a log that can be added to and not changed, and the roles that see to it.

-- The roles that the programs use. They cannot log in until an operator says
-- ALTER ROLE slipway_web LOGIN PASSWORD '…'. Roles belong to the whole cluster: another database's
-- migration may have made them.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['slipway_web', 'slipway_worker', 'slipway_live'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'the role % is missing and % may not make it', role, current_user
                        USING HINT = 'ALTER ROLE … CREATEROLE, or CREATE ROLE as a superuser';
            END;
        END IF;
    END LOOP;
END
$$;

CREATE TABLE audit_log (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor_id   uuid,
    actor      text NOT NULL, -- the name at that time; a webhook's or a command's where nobody logged in
    action     text NOT NULL CHECK (action ~ '^[a-z_]+([.][a-z_]+)+$'),
    resource   text,          -- kind:id
    outcome    text NOT NULL CHECK (outcome IN ('success', 'denied', 'failed')),
    address    text NOT NULL,
    request_id text NOT NULL,
    change     json           -- json keeps the text as it is, and the hash is over the text
);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id DESC);
CREATE INDEX audit_log_action ON audit_log (action, id DESC);
CREATE INDEX audit_log_resource ON audit_log (resource, id DESC);
CREATE INDEX audit_log_at ON audit_log (at);

-- One appender gives each committed entry its place and a hash over the one before and itself.
CREATE TABLE audit_chain (
    seq      bigint PRIMARY KEY CHECK (seq > 0),
    entry_id uuid NOT NULL UNIQUE REFERENCES audit_log,
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- What the programs may do. Tables of later migrations get it by the default privileges.
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO slipway_web, slipway_worker, slipway_live',
                   current_schema());
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I '
                   'TO slipway_web, slipway_worker', current_schema());
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO slipway_live', current_schema());
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE '
                   'ON TABLES TO slipway_web, slipway_worker', current_schema());
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO slipway_live',
                   current_schema());
END
$$;
REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM slipway_web, slipway_worker;
REVOKE UPDATE, DELETE ON audit_log FROM slipway_web, slipway_worker;
REVOKE INSERT, UPDATE, DELETE ON audit_chain FROM slipway_web;
REVOKE UPDATE, DELETE ON audit_chain FROM slipway_worker;
REVOKE SELECT ON users, sessions, env_vars, audit_log, audit_chain FROM slipway_live;

-- A statement that slips through all the same (the owner's own) is refused as well.
CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    EXECUTE FUNCTION audit_is_kept();
CREATE TRIGGER audit_chain_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain
    EXECUTE FUNCTION audit_is_kept();
