/* timer_arm: tc `int (struct __sk_buff *)`, and its callback.
 * Maps: sessions HASH u32 (skb->mark) -> struct { u64 packets; struct bpf_timer timer; u32 expired, pad; }, 1000.
 *
 * Every packet of a mark puts off the end of its session by ten seconds. Always TC_ACT_OK.
 * - A mark without an element gets one of zeros (BPF_NOEXIST), looked up again (not there still: nothing), and its timer is
 *   initialised (CLOCK_MONOTONIC, 1); an error other than -EBUSY: nothing more. Then the callback is set.
 * - packets += 1 (atomic), expired = 0, and the timer starts: 10,000,000,000 ns, flags 0.
 * - The callback `int (void *map, u32 *key, struct session *)` sets expired = 1, packets = 0, and returns 0.
 */
#include "bpf.h"

#define CLOCK_MONOTONIC 1
#define EBUSY 16

struct session {
	u64 packets;
	struct bpf_timer timer;
	u32 expired, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__type(key, u32);
	__type(value, struct session);
} sessions SEC(".maps");

static int expire(void *map, u32 *key, struct session *session)
{
	session->expired = 1;
	session->packets = 0;
	return 0;
}

SEC("tc")
int timer_arm(struct __sk_buff *skb)
{
	u32 key = skb->mark;
	struct session *session = bpf_map_lookup_elem(&sessions, &key);

	if (!session) {
		struct session fresh = {};
		long err;

		bpf_map_update_elem(&sessions, &key, &fresh, BPF_NOEXIST);
		session = bpf_map_lookup_elem(&sessions, &key);
		if (!session)
			return TC_ACT_OK;
		err = bpf_timer_init(&session->timer, &sessions, CLOCK_MONOTONIC);
		if (err && err != -EBUSY)
			return TC_ACT_OK;
		bpf_timer_set_callback(&session->timer, expire);
	}
	__sync_fetch_and_add(&session->packets, 1);
	session->expired = 0;
	bpf_timer_start(&session->timer, 10000000000ull, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
