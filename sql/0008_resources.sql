-- SPDX-License-Identifier: MIT
-- What applications use beside themselves: credentials, registries, databases; and who is told.

CREATE TABLE credentials (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    kind        text NOT NULL CHECK (kind IN ('token', 'ssh')),
    username    text,
    secret      bytea NOT NULL, -- class K: the token, or the private key (OpenSSH's format)
    public_key  text,           -- of kind ssh, one line as in authorized_keys
    created_by  uuid REFERENCES users,
    created_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz,
    CHECK ((kind = 'ssh') = (public_key IS NOT NULL))
);
CREATE UNIQUE INDEX credentials_name ON credentials (lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE registries (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    address    text NOT NULL,
    username   text,
    password   bytea, -- class K
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CHECK (password IS NULL OR username IS NOT NULL)
);
CREATE UNIQUE INDEX registries_name ON registries (lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX registries_default ON registries (is_default)
    WHERE is_default AND deleted_at IS NULL;

ALTER TABLE applications ADD COLUMN credential_id uuid REFERENCES credentials;
ALTER TABLE applications ADD COLUMN registry_id uuid REFERENCES registries;
CREATE INDEX applications_credential ON applications (credential_id)
    WHERE credential_id IS NOT NULL;
CREATE INDEX applications_registry ON applications (registry_id) WHERE registry_id IS NOT NULL;

CREATE TABLE databases (
    id             uuid PRIMARY KEY,
    project_id     uuid NOT NULL REFERENCES projects,
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    kind           text NOT NULL CHECK (kind IN ('postgres', 'mysql', 'mariadb', 'mongodb', 'redis')),
    version        text NOT NULL,
    image          text NOT NULL,
    service_name   text NOT NULL CHECK (service_name ~ '^[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$'),
    status         text NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'running', 'degraded', 'stopped', 'failed')),
    wanted         text NOT NULL DEFAULT 'running' CHECK (wanted IN ('running', 'stopped')),
    memory_limit   integer NOT NULL CHECK (memory_limit >= 6), -- MiB
    cpu_limit      double precision NOT NULL CHECK (cpu_limit > 0), -- cores
    published_port integer CHECK (published_port BETWEEN 1 AND 65535),
    database_name  text,
    username       text,
    password       bytea NOT NULL, -- class K
    config_version bigint NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    deleted_at     timestamptz,
    remove_volumes boolean NOT NULL DEFAULT false,
    removed_at     timestamptz
);
CREATE INDEX databases_list ON databases (id DESC) WHERE deleted_at IS NULL;
CREATE INDEX databases_project ON databases (project_id, id DESC) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX databases_name ON databases (project_id, lower(name)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX databases_service ON databases (service_name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX databases_port ON databases (published_port) WHERE deleted_at IS NULL;

-- An application's environment variable that is a database's connection string.
CREATE TABLE bindings (
    application_id uuid NOT NULL REFERENCES applications,
    database_id    uuid NOT NULL REFERENCES databases,
    variable       text NOT NULL CHECK (char_length(variable) BETWEEN 1 AND 255),
    PRIMARY KEY (application_id, database_id),
    UNIQUE (application_id, variable)
);
CREATE INDEX bindings_database ON bindings (database_id);

CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects,
    kind       text NOT NULL CHECK (kind IN ('webhook', 'slack', 'email')),
    target     text NOT NULL,
    events     text[] NOT NULL,
    secret     bytea, -- class K: what deliveries of kind webhook are signed with
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX notifications_project ON notifications (project_id, id DESC)
    WHERE deleted_at IS NULL;

CREATE TABLE alerts (
    id             uuid PRIMARY KEY,
    project_id     uuid REFERENCES projects,     -- of one of these, or of everything
    application_id uuid REFERENCES applications,
    metric         text NOT NULL CHECK (metric IN ('cpu', 'memory', 'restarts', 'error_rate', 'disk',
                                                   'deployment_failed')),
    threshold      double precision NOT NULL,
    for_seconds    integer NOT NULL DEFAULT 60 CHECK (for_seconds BETWEEN 0 AND 86400),
    state          text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'pending', 'firing')),
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    deleted_at     timestamptz,
    CHECK (project_id IS NULL OR application_id IS NULL)
);
CREATE INDEX alerts_list ON alerts (id DESC) WHERE deleted_at IS NULL;

-- Every webhook that comes in is written down, also what was refused.
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_outcome_check;
ALTER TABLE webhook_deliveries ADD CHECK (outcome IN ('deployed', 'ignored', 'ping', 'refused'));
ALTER TABLE webhook_deliveries ALTER COLUMN application_id DROP NOT NULL; -- nobody's secret fitted
-- which application it is about: whose secret proved it, or, of a refused one, whose repository
-- it names
ALTER TABLE webhook_deliveries ADD COLUMN named_id uuid REFERENCES applications;
UPDATE webhook_deliveries SET named_id = application_id;
ALTER TABLE webhook_deliveries ADD COLUMN headers jsonb NOT NULL DEFAULT '{}';
ALTER TABLE webhook_deliveries ADD COLUMN body text NOT NULL DEFAULT ''; -- redacted, cut at 64 KiB
ALTER TABLE webhook_deliveries ADD COLUMN ref text;        -- branch or tag that it names
ALTER TABLE webhook_deliveries ADD COLUMN commit_sha text;
ALTER TABLE webhook_deliveries ADD COLUMN commit_message text;
ALTER TABLE webhook_deliveries ADD COLUMN redelivery_of uuid REFERENCES webhook_deliveries;
CREATE INDEX webhook_deliveries_named ON webhook_deliveries (named_id, id DESC);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (at);
-- old ones are deleted, and each is looked for there
CREATE INDEX webhook_deliveries_again ON webhook_deliveries (redelivery_of)
    WHERE redelivery_of IS NOT NULL;

-- The spelling-independent name of an image, see base/imageref.h.
ALTER TABLE applications ADD COLUMN image_normal text;
WITH parts AS (
    SELECT id, regexp_replace(image, '@.*$', '') AS name FROM applications WHERE image IS NOT NULL
), whole AS (
    SELECT id, CASE WHEN name !~ '/' THEN 'docker.io/library/' || name
                    WHEN split_part(name, '/', 1) ~ '[.:]' OR split_part(name, '/', 1) = 'localhost'
                    THEN name ELSE 'docker.io/' || name END AS name FROM parts
)
UPDATE applications a SET image_normal =
    w.name || CASE WHEN regexp_replace(w.name, '^.*/', '') ~ ':' THEN '' ELSE ':latest' END
    FROM whole w WHERE w.id = a.id;
-- A registry tells of all its repositories with one token, so the token must say whose it is: the
-- SHA-256 of an application's webhook secret. An application made before gets one with its next
-- secret.
ALTER TABLE applications ADD COLUMN webhook_secret_hash bytea;
ALTER TABLE applications ADD COLUMN webhook_secret_old_hash bytea;
CREATE INDEX applications_secret ON applications (webhook_secret_hash) WHERE deleted_at IS NULL;
CREATE INDEX applications_secret_old ON applications (webhook_secret_old_hash)
    WHERE webhook_secret_old_hash IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX applications_image ON applications (image_normal) WHERE deleted_at IS NULL;

REVOKE SELECT ON credentials, registries, databases, notifications, webhook_deliveries
    FROM slipway_live;
