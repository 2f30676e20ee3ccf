-- SPDX-License-Identifier: MIT
-- Projects and the applications in them.

CREATE TABLE projects (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    description text NOT NULL DEFAULT '',
    owner_id    uuid NOT NULL REFERENCES users,
    team_id     uuid REFERENCES teams,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE INDEX projects_list ON projects (id DESC) WHERE deleted_at IS NULL;
CREATE INDEX projects_owner ON projects (owner_id) WHERE deleted_at IS NULL;
CREATE INDEX projects_team ON projects (team_id) WHERE deleted_at IS NULL;

CREATE TABLE applications (
    id             uuid PRIMARY KEY,
    project_id     uuid NOT NULL REFERENCES projects,
    name           text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    service_name   text NOT NULL CHECK (service_name ~ '^[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$'),
    status         text NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'running', 'degraded', 'stopped', 'failed')),
    repo_url       text,
    repo_normal    text, -- the spelling-independent name, see base/giturl.h
    branch         text,
    image          text,
    dockerfile     text NOT NULL DEFAULT 'Dockerfile',
    context_path   text NOT NULL DEFAULT '.',
    target         text,
    build_args     jsonb NOT NULL DEFAULT '{}',
    pull           boolean NOT NULL DEFAULT true,
    replicas       integer NOT NULL DEFAULT 1 CHECK (replicas BETWEEN 1 AND 1000),
    memory_limit   integer NOT NULL DEFAULT 512 CHECK (memory_limit >= 6), -- MiB
    cpu_limit      double precision NOT NULL DEFAULT 1 CHECK (cpu_limit > 0), -- cores
    port           integer NOT NULL DEFAULT 8080 CHECK (port BETWEEN 1 AND 65535),
    health_check   jsonb,
    restart_policy jsonb NOT NULL,
    update_config  jsonb NOT NULL,
    volumes        jsonb NOT NULL DEFAULT '[]',
    ports          jsonb NOT NULL DEFAULT '[]',
    labels         jsonb NOT NULL DEFAULT '{}',
    auto_deploy    boolean NOT NULL DEFAULT true,
    run_user       text,
    read_only      boolean NOT NULL DEFAULT false,
    capabilities   jsonb NOT NULL DEFAULT '[]',
    webhook_secret           bytea NOT NULL, -- class W
    webhook_secret_old       bytea,          -- class W
    webhook_secret_old_until timestamptz,
    config_version   bigint NOT NULL DEFAULT 1, -- grows with each change that a deployment brings
    deployed_version bigint,                    -- config_version of the last success
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    deleted_at     timestamptz,
    remove_volumes boolean NOT NULL DEFAULT false, -- its named volumes are to go with it
    removed_at     timestamptz, -- when the worker had taken away service and routes
    CHECK ((repo_url IS NULL) <> (image IS NULL)),
    CHECK ((repo_url IS NULL) = (repo_normal IS NULL))
);
CREATE INDEX applications_list ON applications (id DESC) WHERE deleted_at IS NULL;
CREATE INDEX applications_project ON applications (project_id, id DESC) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX applications_name ON applications (project_id, lower(name))
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX applications_service ON applications (service_name) WHERE removed_at IS NULL;
CREATE INDEX applications_repository ON applications (repo_normal) WHERE deleted_at IS NULL;
CREATE INDEX applications_removing ON applications (deleted_at)
    WHERE deleted_at IS NOT NULL AND removed_at IS NULL;

CREATE TABLE env_vars (
    application_id uuid NOT NULL REFERENCES applications,
    key            text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    value          text,
    secret         bytea, -- class K
    position       integer NOT NULL,
    PRIMARY KEY (application_id, key),
    CHECK ((value IS NULL) <> (secret IS NULL))
);

CREATE TABLE domains (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    host           text NOT NULL,
    path           text NOT NULL DEFAULT '/',
    position       integer NOT NULL,
    UNIQUE (host, path)
);
CREATE INDEX domains_application ON domains (application_id);
