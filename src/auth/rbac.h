/* SPDX-License-Identifier: MIT */
/*
 * Roles and permissions. The table is data, in rbac.c.
 *
 * Which role counts on one resource, in this order: a system owner or admin has that role
 * everywhere; else the project's owner is admin in it; else a member of the project's team has the
 * membership's role; else none, and the resource does not exist for that person. What is in no
 * project goes by the system roles alone.
 */
#ifndef SLIPWAY_AUTH_RBAC_H
#define SLIPWAY_AUTH_RBAC_H

#include "base/base.h"

/* The first, which a forgotten field gives, is the strictest. */
enum permission {
    PERM_OWNER_ONLY = 0,
    PERM_NOBODY_NEEDED, /* no login: a decision that must be written out */
    PERM_LOGIN,         /* any login */
    PERM_PROJECT_READ,
    PERM_PROJECT_CREATE,
    PERM_PROJECT_UPDATE,
    PERM_PROJECT_DELETE,
    PERM_APPLICATION_READ,
    PERM_APPLICATION_CREATE,
    PERM_APPLICATION_UPDATE,
    PERM_APPLICATION_DELETE,
    PERM_APPLICATION_DEPLOY,
    PERM_DEPLOYMENT_READ,
    PERM_COUNT,
};

enum role { ROLE_VIEWER = 1, ROLE_DEVELOPER = 2, ROLE_ADMIN = 4, ROLE_OWNER = 8 };

/* "owner" and so on; 0 for anything else. */
unsigned rbac_role(const char *name);
/* The strongest in a JSON array of role names, as one bit; 0 for none. */
unsigned rbac_strongest(const char *roles_json);
const char *rbac_permission_name(enum permission p);

/* May somebody with the system role do it where the project gives PROJECT_ROLE (a role's name, or
 * NULL for a thing in no project or a project that gives none)? */
bool rbac_allows(unsigned system_role, const char *project_role, enum permission p);

/* A system owner or admin sees everything. */
bool rbac_sees_everything(unsigned system_role);

#endif
