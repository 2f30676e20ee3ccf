/* SPDX-License-Identifier: MIT */
/*
 * SSH key pairs (Ed25519, RFC 8709) in OpenSSH's own formats: the private key as
 * https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key says, unencrypted, the
 * public one as a line of authorized_keys.
 */
#ifndef SLIPWAY_BASE_SSHKEY_H
#define SLIPWAY_BASE_SSHKEY_H

struct arena;

struct sshkey {
    const char *private_key; /* secret; several lines */
    const char *public_key;  /* "ssh-ed25519 AAAA… COMMENT" */
};

/* Makes a pair; COMMENT is one line. Both texts live in the arena. */
void sshkey_make(struct arena *a, const char *comment, struct sshkey *out);

#endif
