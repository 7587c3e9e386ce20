/* test_locale.c - texts, messages and options are the same in a locale with a decimal comma. Such a
 * locale is compiled here, because a machine need not have one. */
#include <locale.h>
#include <stdio.h>
#include "base.h"
#include "folder.h"

/* Returns false if this machine can make no such locale. */
static bool set_decimal_comma(void)
{
    char command[512], text[16];

    folder_make();
    snprintf(command, sizeof command,
             "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", folder_path);
    if (system(command) > 0) {
        /* localedef warns with status 1 and still writes the locale. */
    }
    setenv("LOCPATH", folder_path, 1);
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) {
        unsetenv("LOCPATH");
        if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL && setlocale(LC_ALL, "fr_FR.UTF-8") == NULL) {
            return false;
        }
    }
    snprintf(text, sizeof text, "%.1f", 0.5);
    return strcmp(text, "0,5") == 0;
}

static void begin(void)
{
    unit_init();
    if (!set_decimal_comma()) {
        cr_skip_test("localedef makes no locale with a decimal comma here");
    }
}

static void end(void)
{
    folder_drop();
    unit_fini();
}

TestSuite(locale, .init = begin, .fini = end);

static void expect_text(dnn_tensor *t, const char *want)
{
    char text[512];

    copy_text(dnn_tensor_format(t), text, sizeof text);
    cr_expect(strstr(text, want) != NULL, "%s", text);
}

Test(locale, tensors_have_a_point)
{
    expect_text(F32(S(2), 0.5, 1.25), "[0.5000, 1.2500]");
    expect_text(F32(S(2), 1e-8, 1.5), "1.5000e+00");
}

Test(locale, messages_have_a_point)
{
    cr_expect_null(dnn_dropout(F32(S(1), 1), 1.5));
    cr_expect(strstr(dnn_error_message(), "p 1.5 is not") != NULL, "%s", dnn_error_message());
    cr_expect_eq(dnn_take_error(), DNN_E_INVALID);
}

Test(locale, modules_have_a_point)
{
    dnn_module *dropout = dnn_nn_dropout(0.25);
    char text[128];

    copy_text(dnn_module_format(dropout), text, sizeof text);
    cr_expect(strstr(text, "0.25") != NULL, "%s", text);
    dnn_release(dropout);
}

Test(locale, every_double_is_written_and_read_back)
{
    static const double number[] = {0.1, 1.0 / 3, 1e300, 4.9e-324, -2.5, 123456.789};
    char digits[40], *rest;

    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        dnn__text text = dnn__text_to(digits, sizeof digits);

        dnn__put_float(&text, number[i]);
        cr_expect(strchr(digits, ',') == NULL, "%s", digits);
        cr_expect_eq(dnn__strtod(digits, &rest), number[i], "%s", digits);
        cr_expect_eq(*rest, 0);
    }
    cr_expect_str_eq(dnn__float_text(0.25), "0.25");
}

Test(locale, the_locale_of_the_thread_is_the_programs_again)
{
    char text[16];

    (void)dnn__float_text(0.25);
    snprintf(text, sizeof text, "%.1f", 0.5);
    cr_expect_str_eq(text, "0,5");
}
