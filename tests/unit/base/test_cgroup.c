/* test_cgroup.c - the CPU quota of a cgroup, read from a made-up /proc and mount. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cgroup.h"
#include "folder.h"

static void put(const char *path, const char *text)
{
    char name[512];
    FILE *file;

    snprintf(name, sizeof name, "%s%s", folder_path, path);
    for (char *at = name + strlen(folder_path) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        (void)mkdir(name, 0700);
        *at = '/';
    }
    file = fopen(name, "w");
    cr_assert_not_null(file, "%s", name);
    fputs(text, file);
    fclose(file);
}

TestSuite(cgroup, .init = folder_make, .fini = folder_drop);

static const char v2_mount[] =
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "36 22 0:32 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

Test(cgroup, without_files_there_is_no_quota)
{
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 0);
    put("/proc/self/cgroup", "0::/\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 0);
}

Test(cgroup, version_2_reads_cpu_max)
{
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/proc/self/mountinfo", v2_mount);
    put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 0);
    put("/sys/fs/cgroup/a/b/cpu.max", "300000 100000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 3);
    put("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 2);
    put("/sys/fs/cgroup/a/b/cpu.max", "1000 100000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 1);
    put("/sys/fs/cgroup/a/b/cpu.max", "nonsense");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 0);
}

Test(cgroup, the_smallest_quota_above_holds)
{
    put("/proc/self/cgroup", "0::/a/b\n");
    put("/proc/self/mountinfo", v2_mount);
    put("/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
    put("/sys/fs/cgroup/a/cpu.max", "400000 100000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 4);
}

Test(cgroup, a_namespace_shows_its_own_root)
{
    put("/proc/self/cgroup", "0::/\n");
    put("/proc/self/mountinfo", v2_mount);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 2);
}

Test(cgroup, version_1_reads_quota_and_period)
{
    put("/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n");
    put("/proc/self/mountinfo",
        "40 22 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
        "41 22 0:34 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 5);
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "0\n");
    cr_expect_eq(dnn__cgroup_cpus(folder_path), 0);
}
