-- SPDX-License-Identifier: MIT
-- What a person asks of a running application or deployment. The wish is in the row, so that
-- whatever the queue loses is found here.

ALTER TABLE applications
    ADD COLUMN stopped_at    timestamptz,               -- since then it is not to run
    ADD COLUMN action_asked  bigint NOT NULL DEFAULT 0, -- grows with each start, stop and restart
    ADD COLUMN action_done   bigint NOT NULL DEFAULT 0, -- what the service was brought to
    ADD COLUMN restart_asked bigint NOT NULL DEFAULT 0; -- action_asked of the last restart
CREATE INDEX applications_acting ON applications (id)
    WHERE action_done <> action_asked AND deleted_at IS NULL;

ALTER TABLE deployments
    ADD COLUMN cancel_at   timestamptz,             -- somebody asked for its end
    ADD COLUMN cancel_by   uuid REFERENCES users,
    ADD COLUMN rollback_to uuid REFERENCES deployments, -- the release that it brings back
    ADD COLUMN rolls_back  uuid REFERENCES deployments; -- the release that it takes away

-- What a release's service was made of (deploy/settings.h); apart, for it has the environment.
CREATE TABLE deployment_settings (
    deployment_id uuid PRIMARY KEY REFERENCES deployments,
    settings      jsonb NOT NULL
);
REVOKE SELECT ON deployment_settings FROM slipway_live;

CREATE INDEX deployments_cancelling ON deployments (worker)
    WHERE cancel_at IS NOT NULL AND finished_at IS NULL;
CREATE INDEX deployments_releases ON deployments (application_id, id DESC)
    WHERE status IN ('success', 'rolled_back') AND image IS NOT NULL;
-- one at a time takes a release away
CREATE UNIQUE INDEX deployments_rolls_back ON deployments (rolls_back) WHERE finished_at IS NULL;
