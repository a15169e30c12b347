/* compare16: xdp `int (struct xdp_md *)`.
 * Maps: blocked ARRAY u32 -> struct { u8 address[16]; }, 1.
 *
 * Drops what comes from one IPv6 address.
 * - Too short for Ethernet and 40 bytes of IPv6, or not IPv6: XDP_PASS.
 * - All 16 bytes of the source address are those of element 0: XDP_DROP; otherwise, or without the element: XDP_PASS.
 */
#include "bpf.h"

struct address {
	u8 bytes[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct address);
} blocked SEC(".maps");

/* Packets may be read unaligned: eight bytes at once. */
static inline int same(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1];
}

SEC("xdp")
int compare16(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct address *address;
	u32 zero = 0;

	if ((void *)(ip6 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
		return XDP_PASS;
	address = bpf_map_lookup_elem(&blocked, &zero);
	if (!address)
		return XDP_PASS;
	return same(ip6->saddr, address->bytes) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
