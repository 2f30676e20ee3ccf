-- SPDX-License-Identifier: MIT
-- What has changed is said by the database itself, so that no writer can forget to: to the writer
-- by a notice of SQLSTATE SW001 while it can still act before its commit, and to everybody who
-- listens on slipway_changed by a notification once the commit is there. The message is a project's
-- id, or "access" when who may see what has changed.

CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOR name IN EXECUTE TG_ARGV[0] LOOP
        RAISE NOTICE USING ERRCODE = 'SW001', MESSAGE = name;
        PERFORM pg_notify('slipway_changed', name);
    END LOOP;
    RETURN NULL;
END
$$;

-- QUERY gives the names out of the statement's rows, which it finds in the table "changed".
CREATE FUNCTION announce_changes(target regclass, query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER announce_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS '
                   'changed FOR EACH STATEMENT EXECUTE FUNCTION announce(%L)', target, query);
    EXECUTE format('CREATE TRIGGER announce_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS '
                   'changed FOR EACH STATEMENT EXECUTE FUNCTION announce(%L)', target, query);
    EXECUTE format('CREATE TRIGGER announce_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS '
                   'changed FOR EACH STATEMENT EXECUTE FUNCTION announce(%L)', target, query);
END
$$;

SELECT announce_changes('projects', 'SELECT id::text FROM changed UNION SELECT ''access'' FROM changed');
-- A project that changes hands changes who may see it; another name does not.
DROP TRIGGER announce_update ON projects;
CREATE TRIGGER announce_update AFTER UPDATE ON projects
    REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION announce('SELECT id::text FROM changed UNION SELECT ''access'' FROM changed c '
        'JOIN before b USING (id) WHERE (c.owner_id, c.team_id, c.deleted_at) '
        'IS DISTINCT FROM (b.owner_id, b.team_id, b.deleted_at)');
SELECT announce_changes('applications', 'SELECT DISTINCT project_id::text FROM changed');
SELECT announce_changes('databases', 'SELECT DISTINCT project_id::text FROM changed');
SELECT announce_changes(t::regclass, 'SELECT DISTINCT a.project_id::text FROM changed c '
                        'JOIN applications a ON a.id = c.application_id')
    FROM unnest(ARRAY['env_vars', 'domains', 'bindings', 'deployments']) t;
SELECT announce_changes('deployment_steps', 'SELECT DISTINCT a.project_id::text FROM changed c '
                        'JOIN deployments d ON d.id = c.deployment_id '
                        'JOIN applications a ON a.id = d.application_id');
SELECT announce_changes(t::regclass, 'SELECT ''access'' FROM changed LIMIT 1')
    FROM unnest(ARRAY['teams', 'team_members']) t;

DROP FUNCTION announce_changes(regclass, text);
