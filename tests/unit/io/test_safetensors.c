/* test_safetensors.c - tests the safetensors format: a parser of this file judges what the library
 * writes; the library reads it back, refuses bad files, and survives failed writes. */
#include "folder.h"
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void init(void)
{
    unit_init();
    folder_make();
}

static void fini(void)
{
    folder_drop();
    unit_fini();
}

TestSuite(safetensors, .init = init, .fini = fini, .timeout = 120);

/* ---- round trips ---- */

static const dnn_dtype dtypes[] = {DNN_T_F32, DNN_T_F64, DNN_T_F16, DNN_T_BF16, DNN_T_I8,
                                   DNN_T_U8,  DNN_T_I32, DNN_T_I64, DNN_T_BOOL};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static dnn_file *opened(const char *path)
{
    dnn_file *file = NULL;

    cr_assert_eq(open_file(path, &file), DNN_OK, "%s", dnn_error_message());
    return file;
}

static void save(const char *path, const dnn_named_tensor *list, int64_t n)
{
    cr_assert_eq(dnn_save_tensors(path, list, n, NULL, 0), DNN_OK, "%s", dnn_error_message());
}

Test(safetensors, every_dtype_comes_back)
{
    dnn_named_tensor list[N_DTYPES];
    dnn_file *file;

    for (int i = 0; i < N_DTYPES; i++) {
        list[i] =
            (dnn_named_tensor){dnn_dtype_name(dtypes[i]), T(dtypes[i], S(2, 3), 0, 1, 1, 0, 1, 0)};
    }
    save(in_folder("a"), list, N_DTYPES);
    file = opened(in_folder("a"));
    cr_expect_eq(dnn_file_count(file), N_DTYPES);
    for (int i = 0; i < N_DTYPES; i++) {
        EXPECT(dnn_file_tensor(file, list[i].name), dtypes[i], S(2, 3), 0, 1, 1, 0, 1, 0);
    }
    dnn_release(file);
}

Test(safetensors, bytes_come_back_as_they_are)
{
    double special[] = {NAN, -INFINITY, -0.0, 5e-324, 1e308, 3};
    int64_t whole[] = {INT64_MIN, INT64_MAX, -1, 0}, back[4];
    double reals[6];
    dnn_named_tensor list[] = {{"f", dnn_from_data(special, S(6), .dtype = DNN_T_F64)},
                               {"i", dnn_from_data(whole, S(2, 2), .dtype = DNN_T_I64)}};
    dnn_file *file;

    save(in_folder("a"), list, 2);
    file = opened(in_folder("a"));
    cr_assert_eq(dnn_read(dnn_file_tensor(file, "f"), reals, sizeof reals), DNN_OK, "%s",
                 dnn_error_message());
    cr_assert_eq(dnn_read(dnn_file_tensor(file, "i"), back, sizeof back), DNN_OK, "%s",
                 dnn_error_message());
    cr_expect_eq(memcmp(reals, special, sizeof reals), 0);
    cr_expect_eq(memcmp(back, whole, sizeof back), 0);
    dnn_release(file);
}

Test(safetensors, rank_0_rank_8_and_size_0_come_back)
{
    dnn_named_tensor list[] = {{"scalar", F64(DNN_SCALAR, 7)},
                               {"empty", dnn_zeros(S(2, 0, 3))},
                               {"empty_too", dnn_zeros(S(0), .dtype = DNN_T_BOOL)},
                               {"deep", F32(S(1, 1, 2, 1, 1, 1, 1, 1), 8, 9)}};
    dnn_file *file;

    save(in_folder("a"), list, 4);
    file = opened(in_folder("a"));
    EXPECT(dnn_file_tensor(file, "scalar"), DNN_T_F64, DNN_SCALAR, 7);
    EXPECT_EMPTY(dnn_file_tensor(file, "empty"), DNN_T_F32, S(2, 0, 3));
    EXPECT_EMPTY(dnn_file_tensor(file, "empty_too"), DNN_T_BOOL, S(0));
    EXPECT(dnn_file_tensor(file, "deep"), DNN_T_F32, S(1, 1, 2, 1, 1, 1, 1, 1), 8, 9);
    dnn_release(file);
}

Test(safetensors, views_are_written_row_major)
{
    dnn_tensor *x = F32(S(2, 3), 1, 2, 3, 4, 5, 6);
    dnn_named_tensor list[] = {{"t", dnn_transpose(x, 0, 1)}, {"n", dnn_narrow(x, 1, 1, 2)}};
    dnn_file *file;

    save(in_folder("a"), list, 2);
    file = opened(in_folder("a"));
    EXPECT(dnn_file_tensor(file, "t"), DNN_T_F32, S(3, 2), 1, 4, 2, 5, 3, 6);
    EXPECT(dnn_file_tensor(file, "n"), DNN_T_F32, S(2, 2), 2, 3, 5, 6);
    dnn_release(file);
}

Test(safetensors, names_and_metadata_of_any_unicode_come_back)
{
    char longest[1025];
    const dnn_named_text texts[] = {{"z", ""}, {"a\"\\\n", "\xc3\xa9\xf0\x9f\x98\x80 \x01"}};
    dnn_named_tensor list[] = {
        {"q\"uo\\te\n", F32(S(1), 1)}, {"\xc3\xa9", F32(S(1), 2)}, {longest, F32(S(1), 3)}};
    const char *key, *value;
    dnn_file *file;

    memset(longest, 'x', 1024);
    longest[1024] = 0;
    cr_assert_eq(dnn_save_tensors(in_folder("a"), list, 3, texts, 2), DNN_OK, "%s",
                 dnn_error_message());
    file = opened(in_folder("a"));
    for (int i = 0; i < 3; i++) {
        EXPECT(dnn_file_tensor(file, list[i].name), DNN_T_F32, S(1), i + 1);
    }
    cr_assert(dnn_file_metadata(file, 0, &key, &value));
    cr_expect_str_eq(key, texts[1].key);
    cr_expect_str_eq(value, texts[1].value);
    cr_assert(dnn_file_metadata(file, 1, &key, &value));
    cr_expect_str_eq(key, "z");
    cr_expect_str_eq(value, "");
    cr_expect_not(dnn_file_metadata(file, 2, &key, &value));
    dnn_release(file);
}

Test(safetensors, no_tensors_at_all)
{
    dnn_file_entry_info info;
    dnn_file *file;

    save(in_folder("a"), NULL, 0);
    file = opened(in_folder("a"));
    cr_expect_eq(dnn_file_count(file), 0);
    cr_expect_not(dnn_file_entry(file, 0, &info));
    EXPECT_FAIL(dnn_file_tensor(file, "x"), "no tensor", "\"x\"");
    dnn_release(file);
}

Test(safetensors, entries_say_what_the_file_says)
{
    dnn_named_tensor list[] = {{"b", F32(S(2, 3), 1, 2, 3, 4, 5, 6)},
                               {"a", T(DNN_T_U8, S(3), 1, 2, 3)}};
    dnn_file_entry_info info;
    dnn_file *file;

    save(in_folder("a"), list, 2);
    file = opened(in_folder("a"));
    cr_assert(dnn_file_entry(file, 0, &info));
    cr_expect_str_eq(info.name, "a");
    cr_expect_str_eq(info.dtype_name, "U8");
    cr_expect(info.dtype == DNN_T_U8 && info.shape.ndim == 1 && info.shape.dim[0] == 3 &&
              info.bytes == 3);
    cr_assert(dnn_file_entry(file, 1, &info));
    cr_expect_str_eq(info.name, "b");
    cr_expect(info.dtype == DNN_T_F32 && info.shape.ndim == 2 && info.shape.dim[1] == 3 &&
              info.bytes == 24);
    cr_expect_not(dnn_file_entry(file, 2, &info));
    cr_expect_not(dnn_file_entry(file, -1, &info));
    dnn_release(file);
}

/* ---- what is written ---- */

Test(safetensors, equal_content_gives_equal_bytes)
{
    dnn_tensor *a = F32(S(2), 1, 2), *b = F64(S(1), 3), *c = F32(S(2), 4, 5);
    dnn_named_tensor one[] = {{"a", a}, {"b", b}, {"c", c}}, two[] = {{"c", c}, {"b", b}, {"a", a}};
    const dnn_named_text m[] = {{"k", "1"}, {"l", "2"}}, w[] = {{"l", "2"}, {"k", "1"}};
    unsigned char *x, *y;
    size_t nx, ny;

    cr_assert_eq(dnn_save_tensors(in_folder("x"), one, 3, m, 2), DNN_OK, "%s", dnn_error_message());
    cr_assert_eq(dnn_save_tensors(in_folder("yy"), two, 3, w, 2), DNN_OK, "%s",
                 dnn_error_message());
    x = read_whole(in_folder("x"), &nx);
    y = read_whole(in_folder("yy"), &ny);
    cr_expect(nx == ny && memcmp(x, y, nx) == 0);
    free(x);
    free(y);
}

/* A number behind the first `key` after text; a parser that knows nothing of the library. */
static uint64_t number_after(const char *text, const char *key, int which)
{
    const char *at = strstr(text, key);

    cr_assert_not_null(at, "no %s in %s", key, text);
    at += strlen(key);
    for (; which > 0; which--) {
        at = strchr(at, ',');
        cr_assert_not_null(at);
        at++;
    }
    return strtoull(at, NULL, 10);
}

static uint64_t header_length(const unsigned char *file)
{
    uint64_t n = 0;

    for (int i = 7; i >= 0; i--) {
        n = n << 8 | file[i];
    }
    return n;
}

Test(safetensors, a_reader_of_its_own_finds_the_numbers)
{
    dnn_named_tensor list[] = {{"small", T(DNN_T_U8, S(3), 7, 8, 9)},
                               {"big", F64(S(2), 1.5, -2)},
                               {"mid", F32(S(2, 1), 3, 4)}};
    static const struct {
        const char *name, *start;
        uint64_t begin, end;
    } want[] = {{"big", "\"big\":{", 0, 16},
                {"mid", "\"mid\":{", 16, 24},
                {"small", "\"small\":{", 24, 27}};
    unsigned char *file;
    size_t bytes;
    uint64_t n;
    char *json;
    double big[2];
    float mid[2];

    save(in_folder("a"), list, 3);
    file = read_whole(in_folder("a"), &bytes);
    n = header_length(file);
    cr_assert_eq((8 + n) % 64, 0);
    cr_assert_eq(8 + n + 27, bytes);
    json = strndup((const char *)file + 8, n);
    cr_assert_not_null(json);
    cr_expect_eq(json[0], '{');
    for (int i = 0; i < 3; i++) {
        const char *entry = strstr(json, want[i].start);

        cr_assert_not_null(entry, "%s", json);
        cr_expect_eq(number_after(entry, "\"data_offsets\":[", 0), want[i].begin, "%s",
                     want[i].name);
        cr_expect_eq(number_after(entry, "\"data_offsets\":[", 1), want[i].end, "%s", want[i].name);
    }
    cr_expect_eq(strspn(strrchr(json, '}') + 1, " "), strlen(strrchr(json, '}') + 1));
    memcpy(big, file + 8 + n, 16);
    memcpy(mid, file + 8 + n + 16, 8);
    cr_expect(big[0] == 1.5 && big[1] == -2 && mid[0] == 3 && mid[1] == 4);
    cr_expect_eq(memcmp(file + 8 + n + 24, "\7\10\11", 3), 0);
    free(json);
    free(file);
}

Test(safetensors, what_cannot_be_written)
{
    dnn_tensor *t = F32(S(1), 1);
    char longer[1026];
    dnn_named_tensor twice[] = {{"a", t}, {"a", t}}, none[] = {{"a", NULL}},
                     unnamed[] = {{NULL, t}}, empty[] = {{"", t}};
    dnn_named_tensor meta[] = {{"__metadata__", t}}, broken[] = {{"\xff", t}},
                     too_long[] = {{longer, t}};
    const dnn_named_text bad[] = {{"k", "\xc3"}}, repeated[] = {{"k", "1"}, {"k", "2"}};

    memset(longer, 'x', 1025);
    longer[1025] = 0;
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), twice, 2, NULL, 0), "\"a\"", "twice");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), none, 1, NULL, 0), "tensor 0", "no tensor");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), unnamed, 1, NULL, 0), "tensor 0",
                       "no name");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), empty, 1, NULL, 0), "0 bytes", "1 to 1024");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), meta, 1, NULL, 0), "__metadata__");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), broken, 1, NULL, 0), "UTF-8");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), too_long, 1, NULL, 0), "1025", "1024");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), twice, 1, bad, 1), "metadata text",
                       "UTF-8");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), NULL, 1, NULL, 0), "missing");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), twice, -1, NULL, 0), "-1");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("a"), twice, 1, repeated, 2), "metadata", "\"k\"",
                       "twice");
    cr_expect_eq(folder_count(), 0);
}

/* ---- hostile files ---- */

static void put_header(const char *path, uint64_t n, const char *json, size_t json_bytes,
                       size_t data)
{
    unsigned char *file = calloc(1, 8 + json_bytes + data);

    cr_assert_not_null(file);
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)(n >> 8 * i);
    }
    memcpy(file + 8, json, json_bytes);
    write_whole(path, file, 8 + json_bytes + data);
    free(file);
}

#define E(dtype, shape, offsets) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE E("F32", "[1]", "[0,4]")

static const struct hostile {
    const char *what, *json;
    size_t data;
    const char *message;
} hostile[] = {
    {"no brace", "[\"a\"]", 0, "0x5b stands where {"},
    {"a space before the brace", " {}", 0, "0x20 stands where {"},
    {"junk behind the brace", "{}x", 0, "0x78 behind the closing brace"},
    {"a line end behind the brace", "{}\n", 0, "0x0a behind the closing brace"},
    {"a second object", "{}{}", 0, "0x7b behind the closing brace"},
    {"not UTF-8", "{\"\xff\":" ONE "}", 4, "unable to decode byte 0xff"},
    {"overlong UTF-8", "{\"\xc0\xaf\":" ONE "}", 4, "unable to decode byte 0xc0"},
    {"a surrogate in UTF-8", "{\"\xed\xa0\x80\":" ONE "}", 4, "unable to decode byte 0xed"},
    {"half a surrogate pair", "{\"\\ud800\":" ONE "}", 4, "Unicode"},
    {"a bad escape", "{\"\\q\":" ONE "}", 4, "escape"},
    {"NUL in a name", "{\"a\\u0000b\":" ONE "}", 4, "u0000"},
    {"a control byte in a name", "{\"a\001b\":" ONE "}", 4, "control"},
    {"an empty name", "{\"\":" ONE "}", 4, "a name of 0 bytes"},
    {"not JSON: no colon", "{\"a\" " ONE "}", 4, "where a colon"},
    {"not JSON: no comma", "{\"a\":" ONE " \"b\":" ONE "}", 4, "where a comma"},
    {"not JSON: a comma at the end", "{\"a\":" ONE ",}", 4, "a name in quotes"},
    {"not JSON: a comma first", "{,\"a\":" ONE "}", 4, "a name in quotes"},
    {"not JSON: in an entry", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,],\"data_offsets\":[0,4]}}",
     4, "no JSON"},
    {"not JSON: two commas in an entry",
     "{\"a\":{\"dtype\":\"F32\",,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no JSON"},
    {"the object does not end", "{\"a\":{\"dtype\":\"F32\"", 4, "does not end"},
    {"a string does not end", "{\"a", 0, "a string that does not end"},
    {"a backslash at the end", "{\"a\\", 0, "a string that does not end"},
    {"nothing behind the entry", "{\"a\":" ONE, 4, "the JSON ends where"},
    {"an entry that is a number", "{\"a\":1}", 0, "where an object"},
    {"an entry that is a list", "{\"a\":[]}", 0, "where an object"},
    {"a name twice", "{\"a\":" E("F32", "[1]", "[0,4]") ",\"a\":" E("F32", "[1]", "[4,8]") "}", 8,
     "twice"},
    {"a name twice, once escaped",
     "{\"a\":" E("F32", "[1]", "[0,4]") ",\"\\u0061\":" E("F32", "[1]", "[4,8]") "}", 8, "twice"},
    {"an empty name twice over",
     "{\"a\":" E("F32", "[0]", "[0,0]") ",\"a\":" E("F32", "[0]", "[0,0]") "}", 0, "twice"},
    {"a metadata name twice", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "\"k\" twice"},
    {"a second __metadata__", "{\"__metadata__\":{\"k\":\"1\"},\"__metadata__\":{\"l\":\"2\"}}", 0,
     "a second __metadata__"},
    {"a second __metadata__ behind an empty one",
     "{\"__metadata__\":{},\"__metadata__\":{\"l\":\"2\"}}", 0, "a second __metadata__"},
    {"a tensor in an escaped __metadata__", "{\"\\u005f_metadata__\":" ONE "}", 4, "__metadata__"},
    {"metadata that is a text", "{\"__metadata__\":\"k\"}", 0, "where an object"},
    {"metadata that is a number", "{\"__metadata__\":{\"k\":1}}", 0, "where a string"},
    {"metadata that is null", "{\"__metadata__\":{\"k\":null}}", 0, "where a string"},
    {"NUL in metadata", "{\"__metadata__\":{\"k\":\"\\u0000\"}}", 0, "u0000"},
    {"a member missing: dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "2 members"},
    {"a member missing: shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
     "2 members"},
    {"a member missing: data_offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "2 members"},
    {"a member of another name", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"offsets\":[0,4]}}", 4,
     "not exactly dtype"},
    {"a member extra",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":\"1\"}}", 4,
     "4 members"},
    {"a member twice",
     "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "no JSON"},
    {"a shape of 1.0", "{\"a\":" E("F32", "[1.0]", "[0,4]") "}", 4, "size 0 of the shape"},
    {"a shape of 1e3", "{\"a\":" E("U8", "[1e3]", "[0,1000]") "}", 1000, "size 0 of the shape"},
    {"a shape of -0", "{\"a\":" E("F32", "[-0]", "[0,0]") "}", 0, "minus"},
    {"a shape of -1", "{\"a\":" E("F32", "[-1]", "[0,4]") "}", 4, "minus"},
    {"a shape of 01", "{\"a\":" E("F32", "[01]", "[0,4]") "}", 4, "no JSON"},
    {"a shape of +1", "{\"a\":" E("F32", "[+1]", "[0,4]") "}", 4, "no JSON"},
    {"a shape of \"1\"", "{\"a\":" E("F32", "[\"1\"]", "[0,4]") "}", 4, "size 0 of the shape"},
    {"a shape of true", "{\"a\":" E("F32", "[true]", "[0,4]") "}", 4, "size 0 of the shape"},
    {"a shape of 2^63", "{\"a\":" E("F32", "[9223372036854775808]", "[0,4]") "}", 4, "no JSON"},
    {"a shape in a shape", "{\"a\":" E("F32", "[[1]]", "[0,4]") "}", 4, "size 0 of the shape"},
    {"a shape that is a number", "{\"a\":" E("F32", "1", "[0,4]") "}", 4, "shape is no list"},
    {"an unknown dtype", "{\"a\":" E("F31", "[1]", "[0,4]") "}", 4, "dtype F31"},
    {"a dtype in small letters", "{\"a\":" E("f32", "[1]", "[0,4]") "}", 4, "dtype f32"},
    {"an empty dtype", "{\"a\":" E("", "[1]", "[0,4]") "}", 4, "none of the 22"},
    {"a dtype that is a number", "{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "no string"},
    {"the end before the begin", "{\"a\":" E("F32", "[1]", "[4,0]") "}", 4, "before they begin"},
    {"the end behind the data", "{\"a\":" E("F32", "[2]", "[0,8]") "}", 4,
     "end at 8, the data at 4"},
    {"the end at 2^63-1", "{\"a\":" E("F32", "[1]", "[0,9223372036854775807]") "}", 4,
     "the data at 4"},
    {"three offsets", "{\"a\":" E("F32", "[1]", "[0,4,4]") "}", 4, "two whole numbers"},
    {"one offset", "{\"a\":" E("F32", "[1]", "[0]") "}", 4, "two whole numbers"},
    {"an offset of 4.0", "{\"a\":" E("F32", "[1]", "[0,4.0]") "}", 4, "two whole numbers"},
    {"an offset of -4", "{\"a\":" E("F32", "[1]", "[-4,0]") "}", 4, "minus"},
    {"a hole before", "{\"a\":" E("F32", "[1]", "[4,8]") "}", 8, "a hole or an overlap"},
    {"a hole between", "{\"a\":" ONE ",\"b\":" E("F32", "[1]", "[8,12]") "}", 12,
     "a hole or an overlap"},
    {"an overlap", "{\"a\":" E("F32", "[2]", "[0,8]") ",\"b\":" E("F32", "[2]", "[4,12]") "}", 12,
     "a hole or an overlap"},
    {"the same bytes for two", "{\"a\":" ONE ",\"b\":" ONE "}", 4, "a hole or an overlap"},
    {"an empty one inside another", "{\"a\":" ONE ",\"b\":" E("F32", "[0]", "[2,2]") "}", 4,
     "a hole or an overlap"},
    {"half a byte", "{\"a\":" E("F4", "[3]", "[0,1]") "}", 1, "12 bits by shape"},
    {"three quarters of a byte", "{\"a\":" E("F6_E2M3", "[1]", "[0,1]") "}", 1, "6 bits by shape"},
    {"fewer bytes than the shape", "{\"a\":" E("F32", "[2]", "[0,4]") "}", 4,
     "8 bytes by shape [2] of F32, 4 by data_offsets"},
    {"more bytes than the shape", "{\"a\":" E("U8", "[3,4]", "[0,48]") "}", 48,
     "12 bytes by shape"},
    {"bytes for an empty shape", "{\"a\":" E("F32", "[0]", "[0,4]") "}", 4, "0 bytes by shape"},
    {"trailing bytes", "{\"a\":" ONE "}", 5, "the file at"},
    {"trailing bytes and no tensor", "{}", 1, "the file at"},
    {"a product of 2^64 bits", "{\"a\":" E("F32", "[2305843009213693952,2]", "[0,0]") "}", 0,
     "more bits than can be counted"},
    {"a product of 2^64 elements", "{\"a\":" E("U8", "[4294967296,4294967296]", "[0,0]") "}", 0,
     "more bits than can be counted"},
    {"a petabyte in 4 bytes", "{\"a\":" E("U8", "[1125899906842624]", "[0,4]") "}", 4,
     "by data_offsets"},
    {"rank 9", "{\"a\":" E("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "rank 9, more than 8"},
    {"deep objects", "{\"a\":{\"b\":{\"c\":{}}}}", 0, "deep"},
    {"a shape that is an object", "{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}",
     4, "shape is no list"},
};

Test(safetensors, hostile_files_are_refused_by_name)
{
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const struct hostile *h = &hostile[i];
        const char *path = in_folder("hostile");
        dnn_file *file = NULL;
        dnn_status st;

        put_header(path, strlen(h->json), h->json, strlen(h->json), h->data);
        st = open_file(path, &file);
        cr_expect(st == DNN_E_FORMAT && file == NULL, "%s: %s", h->what,
                  st == DNN_OK ? "opened" : dnn_error_message());
        if (st != DNN_OK) {
            cr_expect_not_null(strstr(dnn_error_message(), h->message),
                               "%s: \"%s\" does not say \"%s\"", h->what, dnn_error_message(),
                               h->message);
            cr_expect_not_null(strstr(dnn_error_message(), path), "%s: no path in \"%s\"", h->what,
                               dnn_error_message());
        }
        dnn_release(file);
    }
}

static void refuse_length(uint64_t n, size_t json_bytes, const char *message)
{
    const char *path = in_folder("hostile");
    dnn_file *file = NULL;

    put_header(path, n, "{}      ", json_bytes, 0);
    expect_status(open_file(path, &file), DNN_E_FORMAT, message, "length");
}

Test(safetensors, header_lengths_that_cannot_be)
{
    dnn_file *file = NULL;

    for (size_t n = 0; n < 8; n++) {
        write_whole(in_folder("short"), "\2\0\0\0\0\0\0\0", n);
        expect_status(open_file(in_folder("short"), &file), DNN_E_FORMAT, "fewer than the 8",
                      "short");
    }
    refuse_length(0, 0, "a header of 0 bytes");
    refuse_length(1, 2, "a header of 1 bytes");
    refuse_length(3, 2, "a header of 3 bytes in a file of 10");
    refuse_length(100000001, 2, "a header of 100000001 bytes");
    refuse_length(UINT64_MAX, 2, "a header of 18446744073709551615 bytes");
    refuse_length(UINT64_MAX - 7, 2, "a header of 18446744073709551608 bytes");
    refuse_length((uint64_t)1 << 63, 8, "a header of 9223372036854775808 bytes");
}

/* ---- files of other formats ---- */

#define FILE_OF(text) text, sizeof(text) - 1
/* The local header of a zip's first member: 26 bytes, the length of the name, no extra field. */
#define ZIP(name, length) "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" length "\0\0\0" name

Test(safetensors, a_file_of_another_format_is_named_with_what_converts_it)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *what, *remedy;
    } files[] = {
        {FILE_OF(ZIP("archive/data.pkl", "\20") "\x80\2}"), "a PyTorch file (.pt, .pth)",
         "safetensors.torch import save_file"},
        {FILE_OF("\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
         "a PyTorch file of the old format", "torch.load"},
        {FILE_OF(ZIP("weight.npy", "\12") "\x93NUMPY"), "a NumPy archive (.npz)", "numpy.load"},
        {FILE_OF("\x93NUMPY\1\0v\0{'descr': '<f4'}"), "a NumPy array (.npy)", "numpy.load"},
        {FILE_OF(ZIP("metadata.json", "\15") "{}"), "a Keras file", "model.weights.h5"},
        {FILE_OF(ZIP("readme", "\6") "hello"), "a zip archive", "unzip"},
        {FILE_OF("\x80\4\x95\1\0\0\0\0\0\0\0}."), "a Python pickle", "pickle.load"},
        {FILE_OF("\x89HDF\r\n\x1a\n\0\0\0\0"), "an HDF5 file", "h5py"},
        {FILE_OF("GGUF\3\0\0\0\1\0\0\0"), "a GGUF file", "safetensors files"},
        {FILE_OF("\x08\x08\x12\7pytorch\x1a\5"
                 "2.1.0"),
         "an ONNX model", "onnx.load"},
        {FILE_OF("\x08\1\x12\xff\xff\xff\x7f\x08"), "a TensorFlow SavedModel", "TensorFlow"},
        {FILE_OF("\x1f\x8b\x08\0\0\0\0\0\0\3"), "a gzip file", "gunzip"},
        {FILE_OF("BZh91AY&SY"), "a bzip2 file", "bunzip2"},
        {FILE_OF("\xfd"
                 "7zXZ\0\0\4"),
         "an xz file", "unxz"},
        {FILE_OF("\x28\xb5\x2f\xfd\4\0\1\2"), "a Zstandard file", "unzstd"},
        {FILE_OF("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git-lfs",
         "git lfs pull"},
        {FILE_OF("{\"weight_map\": {\"a\": \"m-1.safetensors\"}}"), "an index of several",
         "each of the files"},
        {FILE_OF("\n<!DOCTYPE html><html>404"), "an HTML or XML page", "download went wrong"},
        {FILE_OF("{\"error\": \"not found\"}"), "a JSON text", "download went wrong"},
        {FILE_OF("404"), "a text", "download went wrong"},
        {FILE_OF("Invalid username or password."), "a text", "download went wrong"},
    };
    dnn_file *file = NULL;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = in_folder("foreign");

        write_whole(path, files[i].bytes, files[i].n);
        expect_status(open_file(path, &file), DNN_E_FORMAT, files[i].what, files[i].what);
        cr_expect_not_null(strstr(dnn_error_message(), files[i].remedy), "%s", dnn_error_message());
        cr_expect_eq(strncmp(dnn_error_message(), path, strlen(path)), 0);
        cr_expect_null(strstr(dnn_error_message(), "header of"));
    }
}

Test(safetensors, names_and_entries_that_are_too_long)
{
    enum { ROOM = 40000 };
    char *json = malloc(ROOM), *fill = malloc(ROOM);
    dnn_file *file = NULL;

    cr_assert(json != NULL && fill != NULL);
    memset(fill, 'x', ROOM - 1);
    fill[ROOM - 1] = 0;
    snprintf(json, ROOM, "{\"%.1025s\":%s}", fill, ONE);
    put_header(in_folder("a"), strlen(json), json, strlen(json), 4);
    expect_status(open_file(in_folder("a"), &file), DNN_E_FORMAT, "1025 bytes",
                  "a name of 1025 bytes");
    snprintf(json, ROOM, "{\"%.30000s\":%s}", fill, ONE);
    put_header(in_folder("a"), strlen(json), json, strlen(json), 4);
    expect_status(open_file(in_folder("a"), &file), DNN_E_FORMAT, "30002 bytes",
                  "a name of 30000 bytes");
    snprintf(json, ROOM, "{\"a\":{\"dtype\":\"%.5000s\"}}", fill);
    put_header(in_folder("a"), strlen(json), json, strlen(json), 4);
    expect_status(open_file(in_folder("a"), &file), DNN_E_FORMAT, "more than 4096",
                  "an entry of 5000 bytes");
    memset(fill, '[', ROOM - 1);
    snprintf(json, ROOM, "{\"a\":{\"dtype\":%.4000s}}", fill);
    put_header(in_folder("a"), strlen(json), json, strlen(json), 4);
    expect_status(open_file(in_folder("a"), &file), DNN_E_FORMAT, "no JSON", "lists 4000 deep");
    snprintf(json, ROOM, "%.30000s", fill);
    memset(json, '{', 30000);
    put_header(in_folder("a"), strlen(json), json, strlen(json), 4);
    expect_status(open_file(in_folder("a"), &file), DNN_E_FORMAT, "a name in quotes",
                  "braces only");
    free(json);
    free(fill);
}

static dnn_file *open_json(const char *json, size_t data)
{
    put_header(in_folder("a"), strlen(json), json, strlen(json), data);
    return opened(in_folder("a"));
}

Test(safetensors, legal_and_rare)
{
    dnn_file_entry_info info;
    dnn_file *file = open_json(
        "{\"a\":" E("F4", "[4]", "[0,2]") ",\n\t\"b\" : " E("I16", "[2]", "[2,6]") "}   ", 6);

    cr_assert(dnn_file_entry(file, 0, &info));
    cr_expect(info.dtype == 0 && info.bytes == 2);
    cr_expect_str_eq(info.dtype_name, "F4");
    cr_expect_null(dnn_file_tensor(file, "a"));
    expect_status(dnn_take_error(), DNN_E_FORMAT, "libdnn has no dtype F4", "F4");
    cr_expect_null(dnn_file_tensor(file, "b"));
    expect_status(dnn_take_error(), DNN_E_FORMAT, "libdnn has no dtype I16", "I16");
    dnn_release(file);
    file = open_json("{\"a\":" E("F32", "[0,9223372036854775807]", "[0,0]") "}", 0);
    cr_expect_eq(dnn_file_count(file), 1);
    dnn_release(file);
}

Test(safetensors, a_bool_that_is_2_is_refused_when_it_is_read)
{
    static const char json[] = "{\"a\":" E("BOOL", "[3]", "[0,3]") "}";
    unsigned char bytes[8 + sizeof json + 2] = {sizeof json - 1};
    dnn_file *file;

    memcpy(bytes + 8, json, sizeof json - 1);
    bytes[8 + sizeof json] = 2;
    write_whole(in_folder("a"), bytes, sizeof bytes);
    file = opened(in_folder("a"));
    cr_expect_null(dnn_file_tensor(file, "a"));
    expect_status(dnn_take_error(), DNN_E_FORMAT, "element 1 is the byte 2", "bool");
    dnn_release(file);
}

/* ---- every truncation, every bit ---- */

static unsigned char *small_file(size_t *bytes)
{
    dnn_named_tensor list[] = {{"w", F32(S(2), 1, 2)}, {"b", T(DNN_T_BOOL, S(3), 1, 0, 1)}};
    const dnn_named_text meta[] = {{"format", "pt"}};

    cr_assert_eq(dnn_save_tensors(in_folder("small"), list, 2, meta, 1), DNN_OK, "%s",
                 dnn_error_message());
    return read_whole(in_folder("small"), bytes);
}

Test(safetensors, every_truncation_is_refused)
{
    size_t bytes;
    unsigned char *data = small_file(&bytes);

    for (size_t n = 0; n < bytes; n++) {
        dnn_file *file = NULL;

        write_whole(in_folder("cut"), data, n);
        cr_expect_eq(open_file(in_folder("cut"), &file), DNN_E_FORMAT, "cut at %zu", n);
        dnn_release(file);
    }
    free(data);
}

/* What was let in is whole: every tensor of a dtype of ours reads, in the bytes that it says. */
static void judge_opened(dnn_file *file, size_t bit)
{
    dnn_file_entry_info info;
    const char *key, *value;

    for (int64_t i = 0; dnn_file_entry(file, i, &info); i++) {
        DNN_SCOPE();
        dnn_tensor *t = dnn_file_tensor(file, info.name);
        dnn_status st = dnn_take_error();

        cr_expect(t != NULL || st == DNN_E_FORMAT, "bit %zu: %s", bit, dnn_error_message());
        cr_expect(t == NULL ||
                      (uint64_t)dnn_numel(t) * dnn_dtype_size(dnn_dtype_of(t)) == info.bytes,
                  "bit %zu", bit);
    }
    for (int64_t i = 0; dnn_file_metadata(file, i, &key, &value); i++) {
        cr_expect(key != NULL && value != NULL);
    }
}

Test(safetensors, every_bit_flip_is_refused_or_consistent)
{
    size_t bytes;
    unsigned char *data = small_file(&bytes);

    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        dnn_file *file = NULL;
        dnn_status st;

        data[bit / 8] = (unsigned char)(data[bit / 8] ^ 1 << bit % 8);
        write_whole(in_folder("flip"), data, bytes);
        st = open_file(in_folder("flip"), &file);
        cr_expect(st == DNN_OK || st == DNN_E_FORMAT, "bit %zu: %s", bit, dnn_error_message());
        if (st == DNN_OK) {
            judge_opened(file, bit);
        }
        dnn_release(file);
        data[bit / 8] = (unsigned char)(data[bit / 8] ^ 1 << bit % 8);
    }
    free(data);
}

/* ---- paths ---- */

Test(safetensors, what_is_no_file)
{
    dnn_file *file = NULL;

    cr_assert_eq(mkfifo(in_folder("fifo"), 0600), 0);
    expect_status(open_file(in_folder("fifo"), &file), DNN_E_IO, "not a regular file", "FIFO");
    expect_status(open_file(folder_path, &file), DNN_E_IO, "not a regular file", "folder");
    expect_status(open_file("/dev/zero", &file), DNN_E_IO, "not a regular file", "device");
    expect_status(open_file(in_folder("nothing"), &file), DNN_E_IO, "No such file", "nothing");
    expect_status(open_file("", &file), DNN_E_IO, "No such file", "empty");
    EXPECT_STATUS_FAIL(open_file(NULL, &file), "path");
    cr_expect_null(file);
    dnn_release(NULL);
    cr_expect_eq(dnn_file_count(NULL), 0);
    EXPECT_FAIL(dnn_file_tensor(NULL, "x"), "file", "NULL");
}

/* ---- writes that fail ---- */

Test(safetensors, a_failing_save_leaves_the_old_file)
{
    dnn_named_tensor list[] = {{"w", F32(S(2), 1, 2)}};
    dnn_named_tensor twice[] = {list[0], list[0]};
    size_t before, after;
    unsigned char *old = small_file(&before), *now;

    expect_status(dnn_save_tensors(in_folder("none/a"), list, 1, NULL, 0), DNN_E_IO, "No such file",
                  "no folder");
    expect_status(dnn_save_tensors(in_folder("small/a"), list, 1, NULL, 0), DNN_E_IO,
                  "Not a directory", "a file as folder");
    expect_status(dnn_save_tensors(in_folder(""), list, 1, NULL, 0), DNN_E_IO,
                  "not the name of a file", "no name");
    cr_assert_eq(mkdir(in_folder("dir"), 0700), 0);
    expect_status(dnn_save_tensors(in_folder("dir"), list, 1, NULL, 0), DNN_E_IO, "rename",
                  "a folder as file");
    EXPECT_STATUS_FAIL(dnn_save_tensors(in_folder("small"), twice, 2, NULL, 0), "twice");
    if (geteuid() != 0) { /* root may write anywhere */
        cr_assert_eq(chmod(folder_path, 0500), 0);
        expect_status(dnn_save_tensors(in_folder("small"), list, 1, NULL, 0), DNN_E_IO,
                      "Permission denied", "read-only");
        cr_assert_eq(chmod(folder_path, 0700), 0);
    }
    now = read_whole(in_folder("small"), &after);
    cr_expect(before == after && memcmp(old, now, before) == 0);
    cr_expect_eq(folder_count(), 2, "something is left");
    free(old);
    free(now);
}

/* In a child: how many bytes a file may have is the process's. */
static int save_with_limit(rlim_t bytes, const dnn_named_tensor *list)
{
    struct rlimit limit = {bytes, bytes};
    dnn_status st;

    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    st = dnn_save_tensors(in_folder("small"), list, 1, NULL, 0);
    return st == DNN_E_IO && strstr(dnn_error_message(), "write") != NULL ? 0 : 1;
}

Test(safetensors, a_disk_that_is_full_leaves_the_old_file)
{
    static const rlim_t limits[] = {0, 4, 8, 100, 128, 1000, 4223};
    dnn_named_tensor list[] = {{"w", dnn_ones(S(1024))}};
    size_t before, after;
    unsigned char *old = small_file(&before);

    cr_assert_not_null(list[0].tensor);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        unsigned char *now;
        int state = -1;
        pid_t child = fork();

        cr_assert_geq(child, 0);
        if (child == 0) {
            _exit(save_with_limit(limits[i], list));
        }
        cr_assert_eq(waitpid(child, &state, 0), child);
        cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 0, "limit %lld: state %x",
                  (long long)limits[i], (unsigned)state);
        now = read_whole(in_folder("small"), &after);
        cr_expect(before == after && memcmp(old, now, before) == 0, "limit %lld",
                  (long long)limits[i]);
        cr_expect_eq(folder_count(), 1, "limit %lld: something is left", (long long)limits[i]);
        free(now);
    }
    free(old);
}

Test(safetensors, a_save_replaces_and_leaves_nothing_else)
{
    dnn_named_tensor one[] = {{"w", F32(S(2), 1, 2)}}, two[] = {{"w", F32(S(2), 3, 4)}};
    dnn_file *file, *old;

    save(in_folder("a"), one, 1);
    old = opened(in_folder("a"));
    save(in_folder("a"), two, 1);
    file = opened(in_folder("a"));
    EXPECT(dnn_file_tensor(file, "w"), DNN_T_F32, S(2), 3, 4);
    EXPECT(dnn_file_tensor(old, "w"), DNN_T_F32, S(2), 1,
           2); /* who had it open sees what was there */
    dnn_release(file);
    dnn_release(old);
    cr_expect_eq(folder_count(), 1);
}
