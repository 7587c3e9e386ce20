/* json_members.c - iterates over the members of a JSON object; it scans strings, escapes and brace
 * depth only. The caller (safetensors.c) parses each value with jansson, so that memory stays small
 * whatever size a header claims. */
#include "json_members.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(dnn__members *m)
{
    while (m->at < m->bytes && is_space(m->text[m->at])) {
        m->at++;
    }
}

static dnn_status expected(const dnn__members *m, const char *what)
{
    if (m->at >= m->bytes) {
        return dnn__fail(DNN_E_FORMAT, "header byte %zu: the JSON ends where %s should be", m->at,
                         what);
    }
    return dnn__fail(DNN_E_FORMAT, "header byte %zu: 0x%02x stands where %s should be", m->at,
                     (unsigned char)m->text[m->at], what);
}

/* Skips a string: m->at moves from its opening quote to behind its closing quote. */
static dnn_status skip_string(dnn__members *m)
{
    size_t begin = m->at++;

    while (m->at < m->bytes && m->text[m->at] != '"') {
        m->at += m->text[m->at] == '\\' ? 2 : 1;
    }
    if (m->at >= m->bytes) {
        return dnn__fail(DNN_E_FORMAT, "header byte %zu: a string that does not end", begin);
    }
    m->at++;
    return DNN_OK;
}

/* Skips an object. depth is a counter, not recursion, so nesting cannot overflow the stack. */
static dnn_status skip_object(dnn__members *m)
{
    size_t begin = m->at;
    int64_t depth = 0;

    while (m->at < m->bytes) {
        char c = m->text[m->at];

        if (c == '"') {
            DNN_TRY(skip_string(m));
            continue;
        }
        depth += c == '{' ? 1 : c == '}' ? -1 : 0;
        m->at++;
        if (depth == 0) {
            return DNN_OK;
        }
        if (depth > 2) {
            return dnn__fail(DNN_E_FORMAT, "header byte %zu: objects more than 2 deep", m->at - 1);
        }
    }
    return dnn__fail(DNN_E_FORMAT, "header byte %zu: an object that does not end", begin);
}

dnn_status dnn__members_begin(dnn__members *m, const char *text, size_t bytes, size_t at)
{
    *m = (dnn__members){.text = text, .bytes = bytes, .at = at};
    if (at >= bytes || text[at] != '{') {
        return expected(m, "{");
    }
    m->at++;
    return DNN_OK;
}

dnn_status dnn__members_next(dnn__members *m, char open, dnn__member *out, bool *end)
{
    skip_space(m);
    *end = m->at < m->bytes && m->text[m->at] == '}' && m->count == 0;
    if (*end) {
        m->at++;
        return DNN_OK;
    }
    if (m->count > 0) {
        if (m->at < m->bytes && m->text[m->at] == '}') {
            m->at++;
            *end = true;
            return DNN_OK;
        }
        if (m->at >= m->bytes || m->text[m->at] != ',') {
            return expected(m, "a comma or }");
        }
        m->at++;
        skip_space(m);
    }
    if (m->at >= m->bytes || m->text[m->at] != '"') {
        return expected(m, "a name in quotes");
    }
    out->key = m->at;
    DNN_TRY(skip_string(m));
    out->key_bytes = m->at - out->key;
    skip_space(m);
    if (m->at >= m->bytes || m->text[m->at] != ':') {
        return expected(m, "a colon");
    }
    m->at++;
    skip_space(m);
    if (m->at >= m->bytes || m->text[m->at] != open) {
        return expected(m, open == '{' ? "an object" : "a string");
    }
    out->value = m->at;
    DNN_TRY(open == '{' ? skip_object(m) : skip_string(m));
    out->value_bytes = m->at - out->value;
    m->count++;
    return DNN_OK;
}
