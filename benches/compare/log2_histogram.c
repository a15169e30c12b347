/* log2_histogram: raw_tp `int (struct bpf_raw_tracepoint_args *)`, meant for sys_exit.
 * Maps: started HASH u64 (pid_tgid) -> u64 (ns), 10240;
 *       histogram ARRAY u32 (slot) -> u64 (count), 64.
 *
 * Counts how long a thread's system calls take, in powers of two of a nanosecond. Always returns 0.
 * - The thread's start time (bpf_get_current_pid_tgid, put there at sys_enter) is not there: nothing.
 * - slot = the number of the highest bit set in now - start, 0 for 0 and 1; slots are 0 to 63. Adds 1 (atomic).
 */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u64);
	__type(value, u64);
} started SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} histogram SEC(".maps");

static inline u32 log2_u32(u32 v)
{
	u32 r, shift;

	r = (v > 0xffff) << 4;
	v >>= r;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	r |= v >> 1;
	return r;
}

static inline u32 log2_u64(u64 v)
{
	u32 high = v >> 32;

	return high ? log2_u32(high) + 32 : log2_u32(v);
}

SEC("raw_tp")
int log2_histogram(struct bpf_raw_tracepoint_args *ctx)
{
	u64 thread = bpf_get_current_pid_tgid();
	u64 *start = bpf_map_lookup_elem(&started, &thread);
	u64 *count;
	u32 slot;

	if (!start)
		return 0;
	slot = log2_u64(bpf_ktime_get_ns() - *start);
	count = bpf_map_lookup_elem(&histogram, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
