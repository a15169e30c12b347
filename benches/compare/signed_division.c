/* signed_division: tc `int (struct __sk_buff *)`.
 * Maps: averages ARRAY u32 -> struct { s64 mean, drift; s32 window, last; }, 1.
 *
 * A moving average of packet lengths, and how it drifts. Signed divisions round towards zero. Always TC_ACT_OK.
 * - No element 0, or window <= 0: nothing.
 * - s64 delta = (s64)skb->len - mean; mean += delta / window; drift = (drift * 7 + delta) / 8;
 *   s32 step = (s32)skb->len - last; last = skb->len; skb->priority = (u32)(step % window).
 *
 * Instructions for it came with -mcpu=v4; before, a program divides the magnitudes and puts the sign back.
 */
#include "bpf.h"

struct average {
	s64 mean, drift;
	s32 window, last;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct average);
} averages SEC(".maps");

#if __BPF_CPU_VERSION__ >= 4
static inline s64 div64(s64 a, s64 b) { return a / b; }
static inline s32 mod32(s32 a, s32 b) { return a % b; }
#else
/* Both with b > 0. */
static inline s64 div64(s64 a, s64 b) { return a < 0 ? -(s64)(-(u64)a / (u64)b) : (s64)((u64)a / (u64)b); }
static inline s32 mod32(s32 a, s32 b) { return a < 0 ? -(s32)(-(u32)a % (u32)b) : (s32)((u32)a % (u32)b); }
#endif

SEC("tc")
int signed_division(struct __sk_buff *skb)
{
	u32 zero = 0, len = skb->len;
	struct average *average = bpf_map_lookup_elem(&averages, &zero);
	s32 window, step;
	s64 delta;

	if (!average)
		return TC_ACT_OK;
	window = average->window;
	if (window <= 0)
		return TC_ACT_OK;
	delta = (s64)len - average->mean;
	average->mean += div64(delta, window);
	average->drift = div64(average->drift * 7 + delta, 8);
	step = (s32)len - average->last;
	average->last = len;
	skb->priority = mod32(step, window);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
