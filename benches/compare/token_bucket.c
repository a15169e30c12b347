/* token_bucket: tc `int (struct __sk_buff *)`.
 * Maps: buckets LRU_HASH u32 (source address, network order) -> struct bucket, 4096.
 *
 * Lets every IPv4 source send 1,250,000 bytes a second, 64 KiB at once. Tokens are bytes.
 * - Too short for Ethernet and 20 bytes of IPv4, or not IPv4: TC_ACT_OK.
 * - A new source gets a bucket of 65536 - skb->len tokens, filled now (BPF_ANY): TC_ACT_OK.
 * - Otherwise: elapsed = now - last, at most 1 s; tokens += elapsed * 1250 / 1000000 (u64), at most 65536; last = now.
 *   Fewer tokens than skb->len: stores them, TC_ACT_SHOT; otherwise stores them less skb->len, TC_ACT_OK.
 *   Stores are plain: two CPUs may race.
 */
#include "bpf.h"

#define BURST 65536ull
#define SECOND 1000000000ull

struct bucket {
	u64 tokens, last;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

SEC("tc")
int token_bucket(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct bucket *bucket;
	u64 now, elapsed, tokens;
	u32 saddr;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	saddr = ip->saddr;
	now = bpf_ktime_get_ns();
	bucket = bpf_map_lookup_elem(&buckets, &saddr);
	if (!bucket) {
		struct bucket fresh = { .tokens = BURST - skb->len, .last = now };

		bpf_map_update_elem(&buckets, &saddr, &fresh, BPF_ANY);
		return TC_ACT_OK;
	}
	elapsed = now - bucket->last;
	if (elapsed > SECOND)
		elapsed = SECOND;
	tokens = bucket->tokens + elapsed * 1250 / 1000000;
	if (tokens > BURST)
		tokens = BURST;
	bucket->last = now;
	if (tokens < skb->len) {
		bucket->tokens = tokens;
		return TC_ACT_SHOT;
	}
	bucket->tokens = tokens - skb->len;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
