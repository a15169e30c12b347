/* percpu_add: xdp `int (struct xdp_md *)`.
 * Maps: protocols PERCPU_ARRAY u32 (protocol) -> struct { u64 packets, bytes; }, 256.
 *
 * Counts IPv4 packets and their bytes by protocol. Always XDP_PASS.
 * - Too short for Ethernet and 20 bytes of IPv4, or not IPv4: nothing.
 * - Otherwise packets += 1, bytes += data_end - data (plain, per CPU).
 */
#include "bpf.h"

struct counters {
	u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct counters);
} protocols SEC(".maps");

SEC("xdp")
int percpu_add(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct counters *counters;
	u32 protocol;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	protocol = ip->protocol;
	counters = bpf_map_lookup_elem(&protocols, &protocol);
	if (counters) {
		counters->packets++;
		counters->bytes += data_end - data;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
