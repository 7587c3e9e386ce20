/* cgroup.h - the CPU quota of this process. Private to core/base. */
#ifndef DNN__CGROUP_H
#define DNN__CGROUP_H

/* Returns the CPUs that the process's cgroup and those above it allow (cpu.max,
 * cpu.cfs_quota_us), rounded up; 0: no quota. `top` stands before /proc and the mounts: "" but in
 * tests. */
int dnn__cgroup_cpus(const char *top);

#endif
