/* lpm_lookup: xdp `int (struct xdp_md *)`.
 * Maps: routes LPM_TRIE struct { u32 prefixlen; be32 address; } -> struct route, 1024, BPF_F_NO_PREALLOC.
 *
 * What the longest prefix of an IPv4 destination says.
 * - Too short for Ethernet and 20 bytes of IPv4, or not IPv4: XDP_PASS.
 * - No route: XDP_PASS. Otherwise adds 1 to the route's packets (atomic) and returns its action where that is at most XDP_TX (3),
 *   else XDP_ABORTED.
 */
#include "bpf.h"

struct route_key {
	u32 prefixlen;
	be32 address;
};
struct route {
	u64 packets;
	u32 action, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct route_key);
	__type(value, struct route);
} routes SEC(".maps");

SEC("xdp")
int lpm_lookup(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct route_key key = { .prefixlen = 32 };
	struct route *route;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	key.address = ip->daddr;
	route = bpf_map_lookup_elem(&routes, &key);
	if (!route)
		return XDP_PASS;
	__sync_fetch_and_add(&route->packets, 1);
	return route->action <= XDP_TX ? route->action : XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
