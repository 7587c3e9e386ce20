/* test_crc32c.c - tests the CRC of checkpoints against its published values. */
#include <criterion/criterion.h>
#include <string.h>
#include "crc32c.h"

Test(crc32c, published_values)
{
    unsigned char bytes[32];

    cr_expect_eq(dnn__crc32c(0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    cr_expect_eq(dnn__crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    cr_expect_eq(dnn__crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    cr_expect_eq(dnn__crc32c(0, bytes, 32), 0x46dd794e);
    cr_expect_eq(dnn__crc32c(0, NULL, 0), 0);
}

Test(crc32c, in_pieces_it_is_the_same)
{
    unsigned char bytes[100];
    uint32_t whole;

    for (int i = 0; i < 100; i++) {
        bytes[i] = (unsigned char)(i * 37);
    }
    whole = dnn__crc32c(0, bytes, 100);
    for (size_t cut = 0; cut <= 100; cut++) {
        cr_expect_eq(dnn__crc32c(dnn__crc32c(0, bytes, cut), bytes + cut, 100 - cut), whole);
    }
}
