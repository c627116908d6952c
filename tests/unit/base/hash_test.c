#include "base/hash.h"

#include "base/hash_int.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

/* RFC 3720, B.4, and the check value of the CRC catalogue. */
static void crc32c_has_its_known_values(void **state)
{
    (void)state;
    uint8_t bytes[32];
    assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283);
    assert_int_equal(crc32c_plain(0, SLICE("123456789")), 0xe3069283);
    assert_int_equal(crc32c(0, SLICE_EMPTY), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(0, slice_of(bytes, 32)), 0x113fdb5c);
}

static void crc32c_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    uint8_t bytes[300];
    for (int i = 0; i < 2000; i++) {
        size_t size = random_below(&random, sizeof bytes);
        random_bytes(&random, bytes, size);
        size_t cut = random_below(&random, size + 1);
        uint32_t whole = crc32c(0, slice_of(bytes, size));
        assert_int_equal(whole, crc32c_plain(0, slice_of(bytes, size)));
        uint32_t first = crc32c(0, slice_of(bytes, cut));
        assert_int_equal(crc32c(first, slice_of(bytes + cut, size - cut)), whole);
        assert_int_equal(crc32c_plain(first, slice_of(bytes + cut, size - cut)), whole);
    }
}

/* Key indexes on disk hold these values: they may never change. */
static void hashes_are_part_of_a_format(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13);
    static const struct {
        size_t size;
        uint64_t hash;
        uint64_t seeded;
    } cases[] = {
        {0, UINT64_C(0x2d06800538d394c2), UINT64_C(0xb029411ff43d84d2)},
        {1, UINT64_C(0xc44bdff4074eecdb), UINT64_C(0x5cf10f10bf2dd245)},
        {8, UINT64_C(0xe963acb46c908adb), UINT64_C(0xc2d31727c4a7a5a0)},
        {100, UINT64_C(0x04953f24747ba220), UINT64_C(0x33148449fbec015d)},
        {1000, UINT64_C(0xf249b65610ca6d88), UINT64_C(0x9bd737f92b49b7f1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(hash_64(slice_of(bytes, cases[i].size)), cases[i].hash);
        assert_int_equal(hash_64_seeded(slice_of(bytes, cases[i].size), 42), cases[i].seeded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_has_its_known_values),
        cmocka_unit_test(crc32c_is_the_same_however_it_is_cut),
        cmocka_unit_test(hashes_are_part_of_a_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
