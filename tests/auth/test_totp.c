/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "auth/totp.h"
#include "base/str.h"
#include "tests/tap.h"

static const unsigned char rfc_secret[] = "12345678901234567890";

/* RFC 6238, appendix B: the rows of SHA-1 */
static void vectors(void)
{
    static const struct {
        int64_t seconds;
        const char *code;
    } rows[] = {
        {59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
        {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char code[9];
        totp_code(rfc_secret, TOTP_SECRET, rows[i].seconds * 1000 / TOTP_STEP_MS, 8, code);
        TAP_STR(code, rows[i].code);
        totp_code(rfc_secret, TOTP_SECRET, rows[i].seconds * 1000 / TOTP_STEP_MS, 6, code);
        TAP_STR(code, rows[i].code + 2);
    }
}

/* RFC 4226, appendix D */
static void counters(void)
{
    static const char *const codes[] = {"755224", "287082", "359152", "969429", "338314",
                                        "254676", "287922", "162583", "399871", "520489"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        char code[9];
        totp_code(rfc_secret, TOTP_SECRET, (int64_t)i, 6, code);
        TAP_STR(code, codes[i]);
    }
}

/* RFC 4648, section 10, without padding */
static void base32(void)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "MY"},
                                          {"fo", "MZXQ"},
                                          {"foo", "MZXW6"},
                                          {"foob", "MZXW6YQ"},
                                          {"fooba", "MZXW6YTB"},
                                          {"foobar", "MZXW6YTBOI"}};
    AUTO_ARENA a = {0};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        TAP_STR(totp_base32(&a, rows[i][0], strlen(rows[i][0])), rows[i][1]);
    TAP_STR(totp_base32(&a, "\xff\xff\xff\xff\xff", 5), "77777777");
}

static void window(void)
{
    static const int64_t now = 1111111111000; /* a second after its step began */
    int64_t current = now / TOTP_STEP_MS, step;
    for (int64_t i = -3; i <= 3; i++) {
        char code[9];
        totp_code(rfc_secret, TOTP_SECRET, current + i, TOTP_DIGITS, code);
        bool near = i >= -1 && i <= 1;
        CU_ASSERT_EQUAL(totp_match(rfc_secret, TOTP_SECRET, code, now, &step), near);
        if (near)
            CU_ASSERT_EQUAL(step, current + i);
    }
    static const char *const bad[] = {"", "0", "05047", "0050471", "050471 ", "05047x", "14050471"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT_FALSE(totp_match(rfc_secret, TOTP_SECRET, bad[i], now, &step));
    CU_ASSERT(totp_match(rfc_secret, TOTP_SECRET, "050471", now, &step));
}

static void address(void)
{
    AUTO_ARENA a = {0};
    TAP_STR(totp_uri(&a, "Slip way", "an&na:b", "MZXW6"),
            "otpauth://totp/Slip%20way:an%26na%3Ab?secret=MZXW6&issuer=Slip%20way"
            "&algorithm=SHA1&digits=6&period=30");
}

static void recovery(void)
{
    AUTO_ARENA a = {0};
    char one[TOTP_RECOVERY_TEXT], two[TOTP_RECOVERY_TEXT];
    totp_recovery_make(one);
    totp_recovery_make(two);
    CU_ASSERT_EQUAL(strlen(one), 19);
    CU_ASSERT_STRING_NOT_EQUAL(one, two);
    const char *hash = totp_recovery_hash(&a, "u", one);
    CU_ASSERT_EQUAL(strlen(hash), 64);
    TAP_STR(totp_recovery_hash(&a, "u", str_lower(&a, one)), hash);
    TAP_STR(totp_recovery_hash(
                &a, "u", arena_printf(&a, " %.4s%.4s %.4s%.4s ", one, one + 5, one + 10, one + 15)),
            hash);
    CU_ASSERT_STRING_NOT_EQUAL(totp_recovery_hash(&a, "v", one), hash); /* another user's */
    CU_ASSERT_STRING_NOT_EQUAL(totp_recovery_hash(&a, "u", two), hash);
    CU_ASSERT_PTR_NULL(totp_recovery_hash(&a, "u", ""));
    CU_ASSERT_PTR_NULL(totp_recovery_hash(&a, "u", "123456"));
    CU_ASSERT_PTR_NULL(totp_recovery_hash(&a, "u", arena_printf(&a, "%sA", one)));
    CU_ASSERT_PTR_NULL(totp_recovery_hash(&a, "u", "ABCD-EFGH-IJKL-MNO1"));
}

const struct tap_test totp_tests[] = {
    {"the vectors of RFC 6238", vectors},
    {"the vectors of RFC 4226", counters},
    {"base32 as RFC 4648 has it", base32},
    {"a code is good one step around now, and whole", window},
    {"the address of a QR code is encoded", address},
    {"a recovery code is read as people type it", recovery},
    {NULL, NULL},
};
