/* loop_sum: tc `int (struct __sk_buff *)`.
 * Maps: numbers ARRAY u32 -> u64, 256; result ARRAY u32 -> struct { u64 sum, largest; }, 1.
 *
 * Adds up the first elements of numbers with bpf_loop, and keeps the largest. Returns TC_ACT_OK.
 * - As many as skb->mark says, at most 256. The callback `long (u64 index, struct state *)` stops (returns 1) where there is no such
 *   element, or at the first element that is 0; otherwise it returns 0.
 * - sum and largest are stored into element 0 of result.
 */
#include "bpf.h"

struct state {
	u64 sum, largest;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} numbers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct state);
} result SEC(".maps");

static long add(u64 index, struct state *state)
{
	u32 key = index;
	u64 *number = bpf_map_lookup_elem(&numbers, &key);

	if (!number || !*number)
		return 1;
	state->sum += *number;
	if (*number > state->largest)
		state->largest = *number;
	return 0;
}

SEC("tc")
int loop_sum(struct __sk_buff *skb)
{
	u32 count = skb->mark, zero = 0;
	struct state state = {}, *out;

	if (count > 256)
		count = 256;
	bpf_loop(count, add, &state, 0);
	out = bpf_map_lookup_elem(&result, &zero);
	if (out)
		*out = state;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
