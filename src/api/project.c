/* SPDX-License-Identifier: MIT */
#include "api/project.h"

#include "api/crud.h"
#include "api/rules.h"
#include "base/rand.h"
#include "base/str.h"
#include "queue/queue.h"
#include "store/team.h"

struct project_in {
    uint64_t set;
    struct store_project p;
};

#define AT(m) offsetof(struct project_in, m)
static const struct valid_field fields[] = {
    FIELD_ID,
    FIELD_NAME(AT(p.name), "what the project is called"),
    {.name = "description",
     .type = VALID_STR,
     .max = 2000,
     .rule = rule_text,
     .offset = AT(p.description),
     .doc = "what it is for"},
    {.name = "teamId",
     .type = VALID_STR,
     .flags = VALID_NULLABLE,
     .rule = rule_id,
     .offset = AT(p.team_id),
     .doc = "the team whose members share it"},
    {.name = "ownerId", .type = VALID_STR, .flags = VALID_DERIVED, .doc = "who made it"},
    FIELD_CREATED,
    FIELD_UPDATED,
};
#undef AT
const struct valid_table api_project_table = {"Project", fields, ARRAY_LEN(fields),
                                              sizeof(struct project_in)};

static const struct valid_field filter_fields[] = {
    {.name = "projectId", .type = VALID_STR, .doc = "of this project"},
};
const struct valid_table api_project_filter = {"ProjectFilter", filter_fields,
                                               ARRAY_LEN(filter_fields), 0};

static const struct valid_field delete_fields[] = {
    {.name = "force", .type = VALID_BOOL, .doc = "also while something in it runs"},
};
static const struct valid_table delete_table = {"ProjectDelete", delete_fields,
                                                ARRAY_LEN(delete_fields), 0};

static int unknown_team(struct api_call *c, struct err *err)
{
    if (err->code == ERR_INVALID)
        return api_bad_field(c, "teamId", "names no team", err);
    return -1;
}

/* A team that was deleted is still a row. */
static int check_team(struct api_call *c, const char *id, struct err *err)
{
    struct store_team team;
    if (!id || store_team_get(c->api->pg, c->arena, id, &team, err) == 0)
        return 0;
    return err->code == ERR_NOT_FOUND ? api_bad_field(c, "teamId", "names no team", err) : -1;
}

int api_project_create(struct api_call *c, struct json_object *in, struct store_project *out,
                       struct err *err)
{
    struct project_in new = {.p = {.id = uuid_new(c->arena), .description = ""}};
    api_audit(c, "project.create", new.p.id);
    if (api_require(c, NULL, PERM_PROJECT_CREATE, err) < 0 ||
        api_valid(c, &api_project_table, in, false, &new, err) < 0 ||
        check_team(c, new.p.team_id, err) < 0)
        return -1;
    new.p.owner_id = c->session->user.id;
    if (store_project_insert(c->api->pg, c->arena, &new.p, out, err) < 0)
        return unknown_team(c, err);
    return 0;
}

int api_project_get(struct api_call *c, const char *id, enum permission p,
                    struct store_project *out, const char **role, struct err *err)
{
    const char *own_role;
    if (api_check_id(id, "project", err) < 0 ||
        store_project_get(c->api->pg, c->arena, &c->scope, id, out, &own_role, err) < 0)
        return -1;
    if (role)
        *role = own_role;
    c->depends = out->id;
    return api_require(c, own_role, p, err);
}

int api_project_list(struct api_call *c, const struct store_page *page, struct store_projects *out,
                     struct err *err)
{
    return store_project_list(c->api->pg, c->arena, &c->scope, page, out, err);
}

int api_project_update(struct api_call *c, const char *id, struct json_object *in,
                       struct store_project *out, struct err *err)
{
    struct project_in change = {0};
    api_audit(c, "project.update", id);
    if (api_project_get(c, id, PERM_PROJECT_UPDATE, &change.p, NULL, err) < 0 ||
        api_valid(c, &api_project_table, in, true, &change, err) < 0 ||
        check_team(c, change.p.team_id, err) < 0)
        return -1;
    if (store_project_update(c->api->pg, c->arena, &change.p, out, err) < 0)
        return unknown_team(c, err);
    return 0;
}

int api_project_delete(struct api_call *c, const char *id, bool force, struct err *err)
{
    struct store_project p;
    const char **removed;
    api_audit(c, "project.delete", id);
    if (api_project_get(c, id, PERM_PROJECT_DELETE, &p, NULL, err) < 0 ||
        store_project_delete(c->api->pg, c->arena, id, force, &removed, err) < 0)
        return -1;
    for (; *removed; removed++)
        api_job(c, QUEUE_ACTION, "remove", *removed);
    return 0;
}

static void write_project(const void *p, struct jw *w)
{
    store_project_json(p, w);
}

static int list(struct api_call *c, const struct store_page *page, struct crud_list *out,
                struct err *err)
{
    struct store_projects projects;
    if (api_project_list(c, page, &projects, err) < 0)
        return -1;
    CRUD_LIST(out, projects);
    return 0;
}

static int get(struct api_call *c, const char *id, void *out, struct err *err)
{
    return api_project_get(c, id, PERM_PROJECT_READ, out, NULL, err);
}

static int create(struct api_call *c, struct json_object *in, void *out, struct err *err)
{
    return api_project_create(c, in, out, err);
}

static int update(struct api_call *c, const char *id, struct json_object *in, void *out,
                  struct err *err)
{
    return api_project_update(c, id, in, out, err);
}

static int delete (struct api_call *c, const char *id, struct err *err)
{
    bool force;
    return api_flag(c, "force", &force, err) < 0 ? -1 : api_project_delete(c, id, force, err);
}

static const struct crud crud = {.path = "/api/projects",
                                 .size = sizeof(struct store_project),
                                 .write = write_project,
                                 .list = list,
                                 .get = get,
                                 .create = create,
                                 .update = update,
                                 .remove = delete};

static const struct route routes[] = {
    ROUTE(GET, "/api/projects", crud_list, PROJECT_READ, USER, .crud = &crud,
          .cache = CACHE_LIST_SECONDS, .doc = "List the projects", .out = &api_project_table,
          .flags = ROUTE_LIST),
    ROUTE(POST, "/api/projects", crud_create, PROJECT_CREATE, USER, .crud = &crud,
          .doc = "Make a project", .in = &api_project_table, .out = &api_project_table,
          .status = 201),
    ROUTE(GET, "/api/projects/:id", crud_get, PROJECT_READ, USER, .crud = &crud,
          .cache = CACHE_DETAIL_SECONDS, .doc = "Read a project", .out = &api_project_table),
    ROUTE(PATCH, "/api/projects/:id", crud_update, PROJECT_UPDATE, USER, .crud = &crud,
          .doc = "Change a project", .in = &api_project_table, .out = &api_project_table,
          .flags = ROUTE_MATCH),
    ROUTE(DELETE, "/api/projects/:id", crud_delete, PROJECT_DELETE, USER, .crud = &crud,
          .doc = "Delete a project",
          .note =
              "Its applications and databases go with it, which is refused while one of them runs. "
              "The data of the databases stays.",
          .query = &delete_table, .flags = ROUTE_MATCH, .also = "409"),
};
const struct route_table api_project_routes = {routes, ARRAY_LEN(routes)};
