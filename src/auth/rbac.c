/* SPDX-License-Identifier: MIT */
#include "auth/rbac.h"

#include <string.h>

#include "base/str.h"

#define ALL (ROLE_OWNER | ROLE_ADMIN | ROLE_DEVELOPER | ROLE_VIEWER)
#define BUILDERS (ROLE_OWNER | ROLE_ADMIN | ROLE_DEVELOPER)
#define KEEPERS (ROLE_OWNER | ROLE_ADMIN)

static const struct {
    const char *name;
    unsigned roles;
} table[PERM_COUNT] = {
    [PERM_OWNER_ONLY] = {"owner", ROLE_OWNER},
    [PERM_NOBODY_NEEDED] = {"none", ALL},
    [PERM_LOGIN] = {"login", ALL},
    [PERM_PROJECT_READ] = {"project.read", ALL},
    [PERM_PROJECT_CREATE] = {"project.create", BUILDERS},
    [PERM_PROJECT_UPDATE] = {"project.update", KEEPERS},
    [PERM_PROJECT_DELETE] = {"project.delete", KEEPERS},
    [PERM_APPLICATION_READ] = {"application.read", ALL},
    [PERM_APPLICATION_CREATE] = {"application.create", BUILDERS},
    [PERM_APPLICATION_UPDATE] = {"application.update", BUILDERS},
    [PERM_APPLICATION_DELETE] = {"application.delete", KEEPERS},
    [PERM_APPLICATION_DEPLOY] = {"application.deploy", BUILDERS},
    [PERM_DEPLOYMENT_READ] = {"deployment.read", ALL},
};

static const struct {
    const char *name;
    unsigned role;
} role_names[] = {{"owner", ROLE_OWNER},
                  {"admin", ROLE_ADMIN},
                  {"developer", ROLE_DEVELOPER},
                  {"viewer", ROLE_VIEWER}};

unsigned rbac_role(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
        if (str_eq(name, role_names[i].name))
            return role_names[i].role;
    return 0;
}

unsigned rbac_strongest(const char *roles_json)
{
    /* the column's check allows these words and no others, so a quoted word is a role */
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++) {
        const char *at = strstr(roles_json, role_names[i].name);
        if (at && at > roles_json && at[-1] == '"')
            return role_names[i].role;
    }
    return 0;
}

const char *rbac_permission_name(enum permission p)
{
    return table[p].name;
}

bool rbac_sees_everything(unsigned system_role)
{
    return system_role & KEEPERS;
}

bool rbac_allows(unsigned system_role, const char *project_role, enum permission p)
{
    if (p >= PERM_COUNT || !table[p].name)
        BUG("permission %d is not in the table", (int)p);
    unsigned role =
        rbac_sees_everything(system_role) || !project_role ? system_role : rbac_role(project_role);
    return role & table[p].roles;
}
