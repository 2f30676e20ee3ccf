/* SPDX-License-Identifier: MIT */
#include "docker/service.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "base/time.h"

enum { WRITE_TRIES = 20 };

int docker_service_inspect(struct docker *d, const char *name, struct json_object **out,
                           struct err *err)
{
    AUTO_BUF path = {0};
    buf_adds(&path, "/services/");
    net_encode(&path, name);
    return docker_get(d, buf_str(&path), out, err);
}

/* PATH?filters={"KEY":["VALUE"]} */
static int get_filtered(struct docker *d, const char *path, const char *key, const char *value,
                        struct json_object **out, struct err *err)
{
    AUTO_BUF filters = {0};
    struct jw w;
    jw_init(&w, &filters);
    jw_begin(&w);
    jw_key(&w, key);
    jw_begin_array(&w);
    jw_str(&w, value);
    jw_end_array(&w);
    jw_end(&w);
    AUTO_BUF full = {0};
    buf_addf(&full, "%s?filters=", path);
    net_encode(&full, buf_str(&filters));
    return docker_get(d, buf_str(&full), out, err);
}

int docker_service_list(struct docker *d, const char *label, struct json_object **out,
                        struct err *err)
{
    return get_filtered(d, "/services", "label", label, out, err);
}

int docker_service_create(struct docker *d, struct arena *a, const char *spec, const char *auth,
                          char **warnings, struct err *err)
{
    struct docker_request req = {
        .method = "POST", .path = "/services/create", .body = spec, .auth = auth};
    AUTO_JSON *out = NULL;
    if (docker_call(d, &req, &out, err) < 0)
        return -1;
    if (!json_str_at(out, "ID"))
        return err_set(err, ERR_INTERNAL, "the Docker Engine named no id for the new service");
    if (warnings)
        *warnings = arena_strdup(a, json_str_at(out, "Warning"));
    return 0;
}

enum { KEEP_AS_IS = 1 };

/* One turn of read, check, write. Without SPEC the one that was read is sent, as CHECK left it;
 * HOW goes behind the version. KEEP_AS_IS from CHECK ends it without a write. */
static int write_once(struct docker *d, const char *name, const char *spec, const char *how,
                      const char *auth, docker_service_check *check, void *arg, struct err *err)
{
    AUTO_JSON *service = NULL;
    if (docker_service_inspect(d, name, &service, err) < 0)
        return -1;
    int verdict = check ? check(arg, service, err) : 0;
    if (verdict)
        return verdict < 0 ? -1 : 0;
    AUTO_BUF own = {0};
    if (!spec) {
        struct jw w;
        jw_init(&w, &own);
        jw_tree(&w, json_at(service, "Spec"));
    }
    AUTO_BUF path = {0};
    buf_adds(&path, "/services/");
    net_encode(&path, name);
    buf_addf(&path, "/update?version=%lld%s", (long long)json_int_at(service, "Version/Index", 0),
             how);
    struct docker_request req = {
        .method = "POST",
        .path = buf_str(&path),
        .body = spec ? spec : buf_str(&own),
        .auth = auth,
    };
    return docker_call(d, &req, NULL, err);
}

static int write_service(struct docker *d, const char *name, const char *spec, const char *how,
                         const char *auth, docker_service_check *check, void *arg, struct err *err)
{
    struct err problem;
    for (int i = 0; i < WRITE_TRIES; i++) {
        if (write_once(d, name, spec, how, auth, check, arg, &problem) == 0)
            return 0;
        if (problem.code != ERR_PRECONDITION)
            break;
        time_sleep(10 + 10 * i);
    }
    *err = problem;
    if (err->code == ERR_PRECONDITION)
        err->code = ERR_UNAVAILABLE;
    return -1;
}

int docker_service_update(struct docker *d, const char *name, const char *spec, const char *auth,
                          docker_service_check *check, void *arg, struct err *err)
{
    return write_service(d, name, spec, "", auth, check, arg, err);
}

int docker_service_rollback(struct docker *d, const char *name, docker_service_check *check,
                            void *arg, struct err *err)
{
    return write_service(d, name, NULL, "&rollback=previous", NULL, check, arg, err);
}

int docker_service_edit(struct docker *d, const char *name, docker_service_check *edit, void *arg,
                        struct err *err)
{
    return write_service(d, name, NULL, "", NULL, edit, arg, err);
}

/* DELETE of PATH/NAME; one that is not there is as good. */
static int remove_at(struct docker *d, const char *path, const char *name, struct err *err)
{
    AUTO_BUF full = {0};
    buf_addf(&full, "%s/", path);
    net_encode(&full, name);
    struct docker_request req = {.method = "DELETE", .path = buf_str(&full)};
    struct err problem;
    if (docker_call(d, &req, NULL, &problem) == 0 || problem.code == ERR_NOT_FOUND)
        return 0;
    *err = problem;
    return -1;
}

int docker_service_remove(struct docker *d, const char *name, struct err *err)
{
    if (remove_at(d, "/services", name, err) < 0)
        return err_wrap(err, "could not remove the service '%s'", name);
    return 0;
}

static const char *text(struct arena *a, struct json_object *o, const char *path)
{
    const char *s = json_str_at(o, path);
    return s ? arena_strdup(a, s) : "";
}

static int64_t moment(struct json_object *o, const char *path)
{
    int64_t ms = 0;
    const char *s = json_str_at(o, path);
    return s && time_parse(s, &ms) ? ms : 0;
}

static void read_ports(struct arena *a, struct docker_task *t, struct json_object *ports)
{
    t->n_ports = json_len(ports);
    t->ports = ARENA_ARRAY(a, t->n_ports ? t->n_ports : 1, struct docker_port);
    for (size_t i = 0; i < t->n_ports; i++) {
        struct json_object *p = json_object_array_get_idx(ports, i);
        t->ports[i].target = json_int_at(p, "TargetPort", 0);
        t->ports[i].published = json_int_at(p, "PublishedPort", 0);
    }
}

static void read_task(struct arena *a, struct json_object *o, struct docker_task *t)
{
    t->id = text(a, o, "ID");
    t->service_id = text(a, o, "ServiceID");
    t->node_id = text(a, o, "NodeID");
    t->slot = json_int_at(o, "Slot", 0);
    t->desired = text(a, o, "DesiredState");
    t->state = text(a, o, "Status/State");
    t->message = text(a, o, "Status/Message");
    t->error = text(a, o, "Status/Err");
    t->container_id = text(a, o, "Status/ContainerStatus/ContainerID");
    t->exited = json_at(o, "Status/ContainerStatus/ExitCode") != NULL;
    t->exit_code = json_int_at(o, "Status/ContainerStatus/ExitCode", 0);
    t->created = moment(o, "CreatedAt");
    t->changed = moment(o, "Status/Timestamp");
    t->release = text(a, o, "Spec/ContainerSpec/Labels/" DOCKER_LABEL_RELEASE);
    t->attempt = text(a, o, "Spec/ContainerSpec/Labels/" DOCKER_LABEL_ATTEMPT);
    t->image = text(a, o, "Spec/ContainerSpec/Image");
    read_ports(a, t, json_at(o, "Status/PortStatus/Ports"));
}

void docker_tasks_read(struct arena *a, struct json_object *list, struct docker_tasks *out)
{
    size_t n = json_len(list);
    out->n = n;
    out->items = ARENA_ARRAY(a, n ? n : 1, struct docker_task);
    for (size_t i = 0; i < n; i++) {
        struct docker_task t = {0};
        read_task(a, json_object_array_get_idx(list, i), &t);
        size_t at = i;
        for (; at && out->items[at - 1].created < t.created; at--)
            out->items[at] = out->items[at - 1];
        out->items[at] = t;
    }
}

static int list_tasks(struct docker *d, struct arena *a, const char *key, const char *value,
                      struct docker_tasks *out, struct err *err)
{
    AUTO_JSON *list = NULL;
    struct err problem;
    if (get_filtered(d, "/tasks", key, value, &list, &problem) < 0) {
        /* filtering by a service that is not there is an error of its own */
        if (problem.code == ERR_NOT_FOUND) {
            *out = (struct docker_tasks){0};
            return 0;
        }
        *err = problem;
        return err_wrap(err, "could not list the tasks of '%s'", value);
    }
    docker_tasks_read(a, list, out);
    return 0;
}

int docker_task_list(struct docker *d, struct arena *a, const char *service,
                     struct docker_tasks *out, struct err *err)
{
    return list_tasks(d, a, "service", service, out, err);
}

int docker_task_list_all(struct docker *d, struct arena *a, const char *label,
                         struct docker_tasks *out, struct err *err)
{
    return list_tasks(d, a, "label", label, out, err);
}

int docker_node_list(struct docker *d, struct arena *a, struct docker_nodes *out, struct err *err)
{
    AUTO_JSON *list = NULL;
    if (docker_get(d, "/nodes", &list, err) < 0)
        return err_wrap(err, "could not list the nodes");
    out->n = json_len(list);
    out->items = ARENA_ARRAY(a, out->n ? out->n : 1, struct docker_node);
    for (size_t i = 0; i < out->n; i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        struct docker_node *node = &out->items[i];
        node->id = text(a, o, "ID");
        node->hostname = text(a, o, "Description/Hostname");
        node->address = text(a, o, "Status/Addr");
        node->ready = str_eq(json_str_at(o, "Status/State"), "ready");
        /* a manager that was never told knows its own address as 0.0.0.0 */
        if (str_eq(node->address, "0.0.0.0"))
            node->address = "127.0.0.1";
    }
    return 0;
}

const struct docker_node *docker_node_find(const struct docker_nodes *nodes, const char *id)
{
    for (size_t i = 0; i < nodes->n; i++)
        if (str_eq(nodes->items[i].id, id))
            return &nodes->items[i];
    return NULL;
}

static void object_of_owned(struct jw *w)
{
    jw_key(w, "Labels");
    jw_begin(w);
    jw_kstr(w, DOCKER_LABEL_OWNED, "true");
    jw_end(w);
}

/* The id of the one in the list whose name is exactly NAME. */
static const char *id_by_name(struct json_object *list, const char *name_path, const char *name,
                              const char *id_path)
{
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        if (str_eq(json_str_at(o, name_path), name))
            return json_str_at(o, id_path);
    }
    return NULL;
}

static int find_network(struct docker *d, struct arena *a, const char *name, char **id,
                        struct err *err)
{
    AUTO_JSON *list = NULL;
    if (get_filtered(d, "/networks", "name", name, &list, err) < 0)
        return -1;
    *id = NULL;
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        if (!str_eq(json_str_at(o, "Name"), name))
            continue;
        if (!str_eq(json_str_at(o, "Scope"), "swarm"))
            return err_set(err, ERR_CONFLICT,
                           "the network '%s' is there, but is of one machine only (driver %s); it "
                           "must be an overlay network",
                           name, json_str_at(o, "Driver"));
        *id = arena_strdup(a, json_str_at(o, "Id"));
    }
    return 0;
}

int docker_network_ensure(struct docker *d, struct arena *a, const char *name, char **id,
                          struct err *err)
{
    if (find_network(d, a, name, id, err) < 0)
        return err_wrap(err, "could not look for the network '%s'", name);
    if (*id)
        return 0;
    AUTO_BUF body = {0};
    struct jw w;
    jw_init(&w, &body);
    jw_begin(&w);
    jw_kstr(&w, "Name", name);
    jw_kstr(&w, "Driver", "overlay");
    jw_kbool(&w, "Attachable", true);
    jw_kbool(&w, "CheckDuplicate", true);
    object_of_owned(&w);
    jw_end(&w);
    struct docker_request req = {
        .method = "POST", .path = "/networks/create", .body = buf_str(&body)};
    struct err problem;
    if (docker_call(d, &req, NULL, &problem) < 0 && problem.code != ERR_CONFLICT) {
        *err = problem;
        return err_wrap(err, "could not make the network '%s'", name);
    }
    if (find_network(d, a, name, id, err) < 0)
        return -1;
    if (!*id)
        return err_set(err, ERR_UNAVAILABLE, "the network '%s' is not there yet", name);
    return 0;
}

static int find_config(struct docker *d, struct arena *a, const char *name, char **id,
                       struct err *err)
{
    AUTO_JSON *list = NULL;
    if (get_filtered(d, "/configs", "name", name, &list, err) < 0)
        return -1;
    *id = arena_strdup(a, id_by_name(list, "Spec/Name", name, "ID"));
    return 0;
}

int docker_config_ensure(struct docker *d, struct arena *a, const char *name, const void *data,
                         size_t n, char **id, struct err *err)
{
    if (find_config(d, a, name, id, err) < 0)
        return err_wrap(err, "could not look for the config '%s'", name);
    if (*id)
        return 0;
    AUTO_BUF body = {0};
    struct jw w;
    jw_init(&w, &body);
    jw_begin(&w);
    jw_kstr(&w, "Name", name);
    jw_kstr(&w, "Data", base64_encode(a, data, n));
    object_of_owned(&w);
    jw_end(&w);
    struct docker_request req = {
        .method = "POST", .path = "/configs/create", .body = buf_str(&body)};
    struct err problem;
    if (docker_call(d, &req, NULL, &problem) < 0 && problem.code != ERR_CONFLICT) {
        *err = problem;
        return err_wrap(err, "could not make the config '%s'", name);
    }
    if (find_config(d, a, name, id, err) < 0)
        return -1;
    if (!*id)
        return err_set(err, ERR_UNAVAILABLE, "the config '%s' is not there yet", name);
    return 0;
}

int docker_config_prune(struct docker *d, const char *label, const char *keep, struct err *err)
{
    AUTO_JSON *list = NULL;
    if (get_filtered(d, "/configs", "label", label, &list, err) < 0)
        return err_wrap(err, "could not list the configs");
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        const char *id = json_str_at(o, "ID");
        struct err in_use;
        if (str_eq(json_str_at(o, "Spec/Name"), keep))
            continue;
        /* the Engine itself refuses (400) to remove one that a service uses */
        if (id && remove_at(d, "/configs", id, &in_use) < 0 && in_use.code == ERR_UNAVAILABLE) {
            *err = in_use;
            return -1;
        }
    }
    return 0;
}

int docker_volume_remove(struct docker *d, const char *name, struct err *err)
{
    if (remove_at(d, "/volumes", name, err) < 0)
        return err_wrap(err, "could not remove the volume '%s'", name);
    return 0;
}

int docker_container_inspect(struct docker *d, const char *id, struct json_object **out,
                             struct err *err)
{
    AUTO_BUF path = {0};
    buf_adds(&path, "/containers/");
    net_encode(&path, id);
    buf_adds(&path, "/json");
    return docker_get(d, buf_str(&path), out, err);
}
