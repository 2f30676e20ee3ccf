/* SPDX-License-Identifier: MIT */
#include "pages/pages.h"

const struct route_table *const pages_routes[] = {
    &pages_auth_routes,      &pages_project_routes,
    &pages_app_routes,       &pages_app_edit_routes,
    &pages_act_routes,       &pages_deployment_routes,
    &pages_profile_routes,   &pages_webhook_routes,
    &pages_reference_routes, NULL,
};
