/* dns_name: xdp `int (struct xdp_md *)`.
 * Maps: types PERCPU_ARRAY u32 -> u64, 4.
 *
 * Skips the name of a DNS question and counts what type it asks for. Always XDP_PASS.
 * - Ethernet, 20 bytes of IPv4 (ihl == 5), UDP from or to port 53, 12 bytes of DNS header; otherwise nothing.
 * - The name begins behind them: labels of a length and so many bytes, at most 16. Length 0 ends it; a length with both high bits
 *   set is a pointer of two bytes and ends it; any other length over 63, a 17th label, or a name past the packet: counts 3.
 * - Behind the name the type, network order: A (1) counts 0, AAAA (28) counts 1, any other 2; past the packet: 3.
 *   Counts are plain, per CPU.
 */
#include "bpf.h"

#define LABELS_MAX 16

struct dnshdr {
	be16 id, flags, qdcount, ancount, nscount, arcount;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} types SEC(".maps");

static inline u32 question(u8 *name, void *data_end)
{
	be16 *type;

	for (int i = 0; i <= LABELS_MAX; i++) {
		u8 length;

		if ((void *)(name + 1) > data_end)
			return 3;
		length = *name;
		if (length == 0) {
			type = (void *)(name + 1);
			goto found;
		}
		if ((length & 0xc0) == 0xc0) {
			type = (void *)(name + 2);
			goto found;
		}
		if (length > 63)
			return 3;
		name += length + 1;
	}
	return 3;
found:
	if ((void *)(type + 1) > data_end)
		return 3;
	switch (*type) {
	case bpf_htons(1):
		return 0;
	case bpf_htons(28):
		return 1;
	default:
		return 2;
	}
}

SEC("xdp")
int dns_name(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	struct dnshdr *dns = (void *)(udp + 1);
	u64 *count;
	u32 sort;

	if ((void *)(dns + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	if (udp->source != bpf_htons(53) && udp->dest != bpf_htons(53))
		return XDP_PASS;
	sort = question((void *)(dns + 1), data_end);
	count = bpf_map_lookup_elem(&types, &sort);
	if (count)
		(*count)++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
