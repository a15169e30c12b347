/* spin_counter: tc `int (struct __sk_buff *)`.
 * Maps: flows HASH struct { be32 source, destination; } -> struct { struct bpf_spin_lock lock; u32 largest; u64 packets, bytes; }, 1024.
 *
 * Counts packets and bytes of pairs of IPv4 addresses, all under one lock. Always TC_ACT_OK.
 * - Too short for Ethernet and 20 bytes of IPv4, or not IPv4: nothing.
 * - A pair without an element gets one of zeros (BPF_NOEXIST), and is looked up again; not there still: nothing.
 * - Locked: packets += 1, bytes += skb->len, largest = max(largest, skb->len).
 */
#include "bpf.h"

struct pair {
	be32 source, destination;
};
struct flow {
	struct bpf_spin_lock lock;
	u32 largest;
	u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct pair);
	__type(value, struct flow);
} flows SEC(".maps");

SEC("tc")
int spin_counter(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	u32 len = skb->len;
	struct flow *flow;
	struct pair key;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	key.source = ip->saddr;
	key.destination = ip->daddr;
	flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow) {
		struct flow fresh = {};

		bpf_map_update_elem(&flows, &key, &fresh, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(&flows, &key);
		if (!flow)
			return TC_ACT_OK;
	}
	bpf_spin_lock(&flow->lock);
	flow->packets++;
	flow->bytes += len;
	if (len > flow->largest)
		flow->largest = len;
	bpf_spin_unlock(&flow->lock);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
