-- SPDX-License-Identifier: MIT
-- API tokens, invitations, and answers that are given again.

CREATE TABLE api_tokens (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users,
    name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    role         text NOT NULL
                 CHECK (role IN ('owner', 'admin', 'developer', 'viewer', 'metrics')),
    project_ids  uuid[],                 -- NULL: wherever the user may
    hash         bytea NOT NULL UNIQUE,  -- SHA-256 of the token
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_tokens_user ON api_tokens (user_id, id DESC) WHERE revoked_at IS NULL;

CREATE TABLE invitations (
    id          uuid PRIMARY KEY,
    email       text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
    roles       text[] NOT NULL CHECK (roles <@ ARRAY['owner', 'admin', 'developer', 'viewer']),
    team_id     uuid REFERENCES teams,
    team_role   text CHECK (team_role IN ('admin', 'developer', 'viewer')),
    hash        bytea NOT NULL UNIQUE,   -- SHA-256 of the token in its link
    created_by  uuid REFERENCES users,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at  timestamptz,
    CHECK ((team_id IS NULL) = (team_role IS NULL))
);
CREATE INDEX invitations_open ON invitations (id DESC)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;

CREATE TABLE idempotency_keys (
    caller     text NOT NULL,  -- a user's id, an API token's, or the address of nobody logged in
    path       text NOT NULL,  -- SHA-256 of the request's address
    key        text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    request    bytea NOT NULL, -- SHA-256 of the body
    status     integer,        -- NULL while the first request is at work
    headers    text,
    body       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, path, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The one team's name at a time, as people tell teams apart by it.
CREATE UNIQUE INDEX teams_name ON teams (lower(name)) WHERE deleted_at IS NULL;

REVOKE SELECT ON api_tokens, invitations, idempotency_keys FROM slipway_live;
