/* SPDX-License-Identifier: MIT */
/*
 * Invitations: operations and routes.
 */
#ifndef SLIPWAY_API_INVITATION_H
#define SLIPWAY_API_INVITATION_H

#include "api/api.h"
#include "store/invitation.h"

/* The open invitation of a link's token; it stays open. ERR_FORBIDDEN: the token is no good. */
int api_invitation_find(struct api_call *c, const char *token, struct store_invitation *out,
                        struct err *err);
/* Takes the open invitation of a link's token for EMAIL, within the caller's transaction. A
 * problem of the field `invitation` or `email`: ERR_INVALID. */
int api_invitation_accept(struct api_call *c, const char *token, const char *email,
                          struct store_invitation *out, struct err *err);

extern const struct route_table api_invitation_routes;

#endif
