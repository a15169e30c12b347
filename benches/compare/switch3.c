/* switch3: xdp `int (struct xdp_md *)`.
 * Maps: classes PERCPU_ARRAY u32 -> u64, 16.
 *
 * Sorts packets into classes by a switch in a switch in a switch, and counts them (plain add, per CPU). Always XDP_PASS.
 * - Ethernet type: ARP -> 1; IPv6 -> next header TCP 2, UDP 3, else 4; IPv4 -> by protocol; anything else, or too short for what is
 *   read: 0. Headers behind IPv4 are looked for at 20 bytes.
 * - IPv4: ICMP -> 5; TCP -> by destination port 22: 6, 80: 7, 443: 8, 8080: 7, else 9; UDP -> 53: 10, 67 and 68: 11, 123: 12,
 *   443: 13, else 14; any other protocol: 15.
 */
#include "bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} classes SEC(".maps");

static inline u32 classify(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct udphdr *ports = (void *)(ip + 1);

	if ((void *)(eth + 1) > data_end)
		return 0;
	switch (eth->h_proto) {
	case bpf_htons(ETH_P_ARP):
		return 1;
	case bpf_htons(ETH_P_IPV6):
		if ((void *)(ip6 + 1) > data_end)
			return 0;
		switch (ip6->nexthdr) {
		case IPPROTO_TCP:
			return 2;
		case IPPROTO_UDP:
			return 3;
		default:
			return 4;
		}
	case bpf_htons(ETH_P_IP):
		if ((void *)(ports + 1) > data_end)
			return 0;
		switch (ip->protocol) {
		case IPPROTO_ICMP:
			return 5;
		case IPPROTO_TCP:
			switch (ports->dest) {
			case bpf_htons(22):
				return 6;
			case bpf_htons(80):
			case bpf_htons(8080):
				return 7;
			case bpf_htons(443):
				return 8;
			default:
				return 9;
			}
		case IPPROTO_UDP:
			switch (ports->dest) {
			case bpf_htons(53):
				return 10;
			case bpf_htons(67):
			case bpf_htons(68):
				return 11;
			case bpf_htons(123):
				return 12;
			case bpf_htons(443):
				return 13;
			default:
				return 14;
			}
		default:
			return 15;
		}
	}
	return 0;
}

SEC("xdp")
int switch3(struct xdp_md *ctx)
{
	u32 class = classify((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	u64 *count = bpf_map_lookup_elem(&classes, &class);

	if (count)
		(*count)++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
