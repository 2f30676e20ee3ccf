-- SPDX-License-Identifier: MIT
-- A second factor, and accounts at an OpenID Connect issuer.

-- Where a session was begun by an issuer: what ends the login there too.
ALTER TABLE sessions ADD COLUMN issuer text;
ALTER TABLE sessions ADD COLUMN id_token bytea; -- class W

CREATE TABLE user_totp (
    user_id      uuid PRIMARY KEY REFERENCES users,
    secret       bytea NOT NULL,            -- class W
    last_step    bigint NOT NULL DEFAULT 0, -- of the newest code that was accepted: each is good once
    created_at   timestamptz NOT NULL DEFAULT now(),
    confirmed_at timestamptz                -- until then it is not asked for
);

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES user_totp ON DELETE CASCADE,
    hash    text NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, hash)
);

-- Whom an issuer means by a subject. Subjects are unique within their issuer only.
CREATE TABLE user_identities (
    issuer       text NOT NULL,
    subject      text NOT NULL,
    user_id      uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
-- An account is one person's at an issuer.
CREATE UNIQUE INDEX user_identities_user ON user_identities (user_id, issuer);

REVOKE SELECT ON user_totp, recovery_codes, user_identities FROM slipway_live;
