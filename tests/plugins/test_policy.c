/* test_policy.c - DNN_PREFER, DNN_MATH, DNN_DETERMINISTIC and their calls: what each does to the
 * choice among the kernels of tempo and cpu_blas, and the sentence of each mistake. Every case is a
 * child process with an environment of its own.
 *
 * usage: test_policy TEST_PLUGINS DNN_COMMAND */
#include "children.h"

static const char *tool;

/* ---- in a child: who is asked for relu of 8 elements, and who says yes ---- */

struct walk {
    char asked[2000], chosen[64];
};

static void note(void *ctx, const char *op, const char *plugin, const char *kernel,
                 const char *answer)
{
    struct walk *w = ctx;
    size_t n = strlen(w->asked);

    (void)op;
    snprintf(w->asked + n, sizeof w->asked - n, "%s.%s: %s\n", plugin, kernel, answer);
    if (strncmp(answer, "yes", 3) == 0 || strncmp(answer, "pinned: yes", 11) == 0) {
        snprintf(w->chosen, sizeof w->chosen, "%s", kernel);
    }
}

/* Runs relu of n elements and checks what came out. */
static struct walk relu(int64_t n)
{
    struct walk w = {{0}, {0}};

    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_linspace(-3, 4, n, .dtype = DNN_T_F32), *y;
        float first = 1, last = 0;

        dnn_explain(note, &w);
        y = dnn_relu(x);
        dnn_explain(NULL, NULL);
        CHECK(y != NULL);
        if (y != NULL) {
            CHECK(dnn_read(dnn_slice(y, 0, 0, 1, 1), &first, sizeof first) == DNN_OK);
            CHECK(dnn_read(dnn_slice(y, 0, n - 1, n, 1), &last, sizeof last) == DNN_OK);
            CHECK(first == 0 && last == 4);
        }
    }
    return w;
}

static void expect_chosen(const char *kernel)
{
    struct walk w = relu(8);

    if (strcmp(w.chosen, kernel) != 0) {
        fail_case("chosen is %s, not %s:\n%s", w.chosen, kernel, w.asked);
    }
}

static void expect_start_fails(const char *const *words)
{
    CHECK(dnn_init(NULL) == DNN_E_DEVICE);
    for (int i = 0; words[i] != NULL; i++) {
        if (strstr(dnn_error_message(), words[i]) == NULL) {
            fail_case("\"%s\" does not say \"%s\"", dnn_error_message(), words[i]);
        }
    }
}
#define START_FAILS(...) expect_start_fails((const char *const[]){__VA_ARGS__, NULL})

/* ---- DNN_PREFER ---- */

static void order_stands(void)
{
    expect_chosen("late"); /* the highest priority of the plugin that was named */
    CHECK(strcmp(dnn_get_prefer(), "") == 0);
}

static void pin_of_a_kernel(void)
{
    struct walk w = relu(8);

    CHECK(strcmp(w.chosen, "quick") == 0);
    CHECK(strncmp(w.asked, "tempo.quick: pinned: yes", 24) == 0);
    CHECK(strcmp(dnn_get_prefer(), "relu=tempo.quick") == 0);
}

static void pin_of_a_plugin(void)
{
    expect_chosen("relu_plain");
}

static void pin_declines(void)
{
    DNN_SCOPE();
    struct walk w = {{0}, {0}};
    dnn_tensor *five = dnn_zeros(DNN_SHAPE(5)), *four = dnn_zeros(DNN_SHAPE(4));

    dnn_explain(note, &w);
    CHECK(dnn_square(five) != NULL);
    dnn_explain(NULL, NULL);
    CHECK(strncmp(w.asked, "tempo.fours: pinned: only four rows", 35) == 0);
    CHECK(w.chosen[0] != 0 && strcmp(w.chosen, "fours") != 0);
    dnn_explain(note, &w);
    CHECK(dnn_square(four) != NULL);
    dnn_explain(NULL, NULL);
    CHECK(strcmp(w.chosen, "fours") == 0);
}

/* The first pin of two that hold is asked first. */
static void pins_in_order(void)
{
    struct walk w = relu(8);

    CHECK(strcmp(w.chosen, "racy") == 0);
    CHECK(dnn_set_prefer("relu=tempo.nothing") == DNN_E_INVALID);
    CHECK(strstr(dnn_error_message(), "tempo.quick") != NULL);
    CHECK(dnn_set_prefer("relu=tempo.quick,gelly=tempo") == DNN_E_INVALID);
    expect_chosen("racy"); /* what failed has changed nothing */
    CHECK(dnn_set_prefer("relu=tempo.quick") == DNN_OK);
    expect_chosen("quick");
    CHECK(dnn_set_prefer(NULL) == DNN_OK);
    expect_chosen("late");
    CHECK(dnn_set_prefer("relu=cpu_blas") == DNN_OK);
    dnn_shutdown();
    CHECK(strcmp(dnn_get_prefer(), "") == 0);
    expect_chosen("racy"); /* the variable's again */
}

/* A pin takes effect for calls whose plan is cached. */
static void pin_renews_plans(void)
{
    dnn_counters before, after;

    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_zeros(DNN_SHAPE(3));

        CHECK(dnn_relu(x) != NULL && dnn_relu(x) != NULL);
        CHECK(dnn_set_prefer("relu=cpu_blas") == DNN_OK);
        dnn_get_counters(&before);
        CHECK(dnn_relu(x) != NULL);
        dnn_get_counters(&after);
        CHECK(after.plan_misses == before.plan_misses + 1);
    }
}

static void unknown_operator(void)
{
    START_FAILS("DNN_PREFER", "no operator is called conv2", "conv2d", "conv2d_bwd_input");
}

static void unknown_plugin(void)
{
    START_FAILS("DNN_PREFER", "no plugin in use is called temp", "tempo", "cpu_blas");
}

static void unknown_kernel(void)
{
    START_FAILS("DNN_PREFER", "tempo has no kernel quik for relu", "tempo.quick", "cpu_blas.");
}

static void plugin_without_the_operator(void)
{
    START_FAILS("DNN_PREFER", "tempo has no kernel for matmul", "cpu_blas.");
}

static void no_pin(void)
{
    START_FAILS("DNN_PREFER", "is not OPERATOR=PLUGIN");
}

/* ---- DNN_MATH and DNN_DETERMINISTIC ---- */

static int told;

static void hear(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    if (strncmp(text, "tempo: add with mode ", 21) == 0) {
        told = atoi(text + 21);
    }
}

/* The mode that a kernel sees. */
static int mode_of_add(bool grad)
{
    told = -1;
    dnn_set_log(hear, NULL);
    {
        DNN_SCOPE();
        dnn_tensor *x = dnn_ones(DNN_SHAPE(2), .requires_grad = grad);

        CHECK(dnn_add(x, x) != NULL);
    }
    dnn_set_log(NULL, NULL);
    return told;
}

static void strict_math(void)
{
    CHECK(mode_of_add(false) == 0);
    CHECK(mode_of_add(true) == 1);
    CHECK(dnn_get_math() == DNN_MATH_STRICT);
}

static void tf32_math(void)
{
    CHECK(mode_of_add(false) == 2);
    CHECK(mode_of_add(true) == 3);
    CHECK(dnn_get_math() == DNN_MATH_TF32);
    CHECK(dnn_set_math(DNN_MATH_BF16) == DNN_OK);
    CHECK(mode_of_add(false) == 6);
    CHECK(dnn_set_math(3) == DNN_E_INVALID && dnn_set_math(-1) == DNN_E_INVALID);
    CHECK(dnn_get_math() == DNN_MATH_BF16);
    dnn_shutdown();
    CHECK(mode_of_add(false) == 6); /* what the program said stays, whatever the variable says */
}

static void unknown_math(void)
{
    START_FAILS("DNN_MATH=fast", "strict, tf32, bf16");
}

static void deterministic(void)
{
    struct walk w = relu(8);

    CHECK(strcmp(w.chosen, "quick") == 0);
    CHECK(strncmp(w.asked, "tempo.racy: pinned: it does not promise the same bits", 53) == 0);
    CHECK(mode_of_add(false) == 8 && dnn_get_deterministic());
    dnn_set_deterministic(false);
    CHECK(mode_of_add(false) == 0 && !dnn_get_deterministic());
    expect_chosen("racy");
    dnn_set_deterministic(true);
    expect_chosen("quick");
}

static void half_deterministic(void)
{
    START_FAILS("DNN_DETERMINISTIC=yes", "0, 1");
}

/* Every operator and dtype that cpu_blas serves, it serves under DNN_DETERMINISTIC. */
static void base_is_deterministic(void)
{
    dnn_op_info op;
    dnn_candidate candidate;
    int served[2] = {0, 0};

    for (int on = 0; on < 2; on++) {
        dnn_set_deterministic(on != 0);
        for (int i = 0; dnn_op_at(i, &op); i++) {
            for (int t = 0; t < 9; t++) {
                served[on] += dnn_candidate_at(op.name, "cpu", (dnn_dtype)(1 << t), 0, &candidate);
            }
        }
    }
    CHECK(served[0] > 300 && served[0] == served[1]);
}

/* ---- what the dnn command shows ---- */

static void shown(void)
{
    char out[20000];

    command(out, sizeof out, "%s explain relu 8", tool);
    CHECK(strstr(out, "pinned: yes") != NULL);
    command(out, sizeof out, "%s backends", tool);
    CHECK(strstr(out, "prefer          relu=tempo.quick\n") != NULL);
    CHECK(strstr(out, "math            tf32\n") != NULL);
    CHECK(strstr(out, "deterministic   yes\n") != NULL);
    command(out, sizeof out, "%s info", tool);
    CHECK(strstr(out, "math            tf32\n") != NULL);
    command(out, sizeof out, "%s ops relu", tool);
    CHECK(strstr(out, "prefer          relu=tempo.quick\n") != NULL);
}

#define TEMPO_FIRST "DNN_BACKEND=tempo"

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: test_policy TEST_PLUGINS DNN_COMMAND\n");
        return 2;
    }
    test_plugins = argv[1];
    tool = argv[2];
    CASE(order_stands, TEMPO_FIRST);
    CASE(order_stands, TEMPO_FIRST, "DNN_PREFER=", "DNN_MATH=", "DNN_DETERMINISTIC=");
    CASE(pin_of_a_kernel, TEMPO_FIRST, "DNN_PREFER=relu=tempo.quick");
    CASE(pin_of_a_plugin, TEMPO_FIRST, "DNN_PREFER=,add=tempo,relu=cpu_blas,");
    CASE(pin_declines, "DNN_BACKEND=cpu_blas,tempo", "DNN_PREFER=square=tempo");
    CASE(pins_in_order, TEMPO_FIRST, "DNN_PREFER=relu=tempo.racy,relu=tempo");
    CASE(pin_renews_plans, TEMPO_FIRST);
    CASE(unknown_operator, TEMPO_FIRST, "DNN_PREFER=conv2=tempo");
    CASE(unknown_plugin, TEMPO_FIRST, "DNN_PREFER=relu=temp");
    CASE(unknown_kernel, TEMPO_FIRST, "DNN_PREFER=relu=tempo.quik");
    CASE(plugin_without_the_operator, TEMPO_FIRST, "DNN_PREFER=matmul=tempo");
    CASE(no_pin, TEMPO_FIRST, "DNN_PREFER=relu");
    CASE(no_pin, TEMPO_FIRST, "DNN_PREFER=relu=");
    CASE(no_pin, TEMPO_FIRST, "DNN_PREFER==tempo");
    CASE(no_pin, TEMPO_FIRST, "DNN_PREFER=relu=tempo.");
    CASE(no_pin, TEMPO_FIRST, "DNN_PREFER=relu=.late");
    CASE(no_pin, TEMPO_FIRST, "DNN_PREFER=relu=thirty_two_letters_are_one_too_many");
    CASE(strict_math, TEMPO_FIRST, "DNN_MATH=strict");
    CASE(tf32_math, TEMPO_FIRST, "DNN_MATH=tf32");
    CASE(unknown_math, TEMPO_FIRST, "DNN_MATH=fast");
    CASE(deterministic, TEMPO_FIRST, "DNN_DETERMINISTIC=1",
         "DNN_PREFER=relu=tempo.racy,relu=tempo.quick");
    CASE(half_deterministic, TEMPO_FIRST, "DNN_DETERMINISTIC=yes");
    CASE(base_is_deterministic, "DNN_BACKEND=cpu_blas");
    CASE(shown, TEMPO_FIRST, "DNN_PREFER=relu=tempo.quick", "DNN_MATH=tf32", "DNN_DETERMINISTIC=1");
    return report();
}
