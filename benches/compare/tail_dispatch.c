/* tail_dispatch: xdp `int (struct xdp_md *)`.
 * Maps: parsers PROG_ARRAY u32 -> u32, 8; unhandled PERCPU_ARRAY u32 (slot) -> u64, 8.
 *
 * Goes on in the program for the packet's sort: IPv4 TCP 1, UDP 2, ICMP 3, other 4; IPv6 5; ARP 6; anything else, or too short for
 * what is read (Ethernet; for IPv4 20 bytes more): 0.
 * - Where no program is at that slot: adds 1 to the slot's count (plain, per CPU), XDP_PASS.
 */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u32);
} parsers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} unhandled SEC(".maps");

static inline u32 parser(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(eth + 1) > data_end)
		return 0;
	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
		if ((void *)(ip + 1) > data_end)
			return 0;
		switch (ip->protocol) {
		case IPPROTO_TCP:
			return 1;
		case IPPROTO_UDP:
			return 2;
		case IPPROTO_ICMP:
			return 3;
		default:
			return 4;
		}
	case bpf_htons(ETH_P_IPV6):
		return 5;
	case bpf_htons(ETH_P_ARP):
		return 6;
	default:
		return 0;
	}
}

SEC("xdp")
int tail_dispatch(struct xdp_md *ctx)
{
	u32 slot = parser((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	u64 *count;

	bpf_tail_call(ctx, &parsers, slot);
	count = bpf_map_lookup_elem(&unhandled, &slot);
	if (count)
		(*count)++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
