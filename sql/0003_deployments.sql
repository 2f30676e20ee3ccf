-- SPDX-License-Identifier: MIT
-- Deployments, their steps and output, and what webhooks brought.

-- How far a status is, in percent. Statuses only grow by it, except that a later rollback turns
-- success into rolled_back.
CREATE FUNCTION deployment_progress(status text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE status WHEN 'pending' THEN 0 WHEN 'cloning' THEN 10 WHEN 'building' THEN 45
                       WHEN 'pushing' THEN 70 WHEN 'deploying' THEN 85 ELSE 100 END
$$;

CREATE TABLE deployments (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    status         text NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'cloning', 'building', 'pushing', 'deploying',
                                     'success', 'failed', 'cancelled', 'superseded',
                                     'rolled_back')),
    trigger        text NOT NULL CHECK (trigger IN ('manual', 'webhook', 'rollback', 'api')),
    commit_sha     text CHECK (commit_sha ~ '^[0-9a-f]{7,40}$'),
    commit_message text,
    branch         text,
    image          text,  -- name:tag that runs, with @digest where a registry gave one
    image_id       text,  -- the engine's id of it
    previous_id    uuid REFERENCES deployments,
    superseded_by  uuid REFERENCES deployments,
    error          jsonb,
    attempt        integer NOT NULL DEFAULT 0, -- the fence: an older attempt's writes are refused
    failures       integer NOT NULL DEFAULT 0, -- attempts that ended without a verdict
    last_failure   text,                       -- what the last of those said
    worker         text,                       -- who works on it, or did last
    lease_until    timestamptz,                -- until then it is taken
    touched_at     timestamptz,                -- the service was changed for it
    config_version bigint,
    created_by     uuid REFERENCES users,
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    finished_at    timestamptz,
    CHECK ((finished_at IS NULL) =
           (status IN ('pending', 'cloning', 'building', 'pushing', 'deploying')))
);
CREATE INDEX deployments_application ON deployments (application_id, id DESC);
CREATE INDEX deployments_list ON deployments (id DESC);
CREATE INDEX deployments_status ON deployments (status, id DESC);
CREATE INDEX deployments_open ON deployments (application_id, id) WHERE finished_at IS NULL;

CREATE TABLE deployment_steps (
    deployment_id uuid NOT NULL REFERENCES deployments,
    name          text NOT NULL CHECK (name IN ('clone', 'build', 'push', 'deploy', 'verdict')),
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    outcome       text CHECK (outcome IN ('success', 'failed', 'skipped', 'cancelled')),
    PRIMARY KEY (deployment_id, name),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
);

CREATE TABLE deployment_logs (
    deployment_id uuid NOT NULL REFERENCES deployments,
    line          integer NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    step          text NOT NULL,
    stream        text NOT NULL CHECK (stream IN ('stdout', 'stderr', 'system')),
    text          text NOT NULL,
    PRIMARY KEY (deployment_id, line)
);

CREATE TABLE webhook_deliveries (
    id          uuid PRIMARY KEY,
    provider    text NOT NULL CHECK (provider IN ('github', 'gitlab', 'docker')),
    delivery_id text NOT NULL,
    event       text NOT NULL,
    repository  text,
    outcome     text NOT NULL CHECK (outcome IN ('deployed', 'ignored', 'ping')),
    reason      text,
    deployments uuid[] NOT NULL DEFAULT '{}',
    address     text NOT NULL,
    request_id  text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    -- a host gives one id to an event, and each webhook that hears of it brings that id: what is
    -- the same delivery is told by the application whose secret proved it, too
    application_id uuid NOT NULL REFERENCES applications,
    UNIQUE (provider, delivery_id, application_id)
);
