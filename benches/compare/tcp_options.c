/* tcp_options: xdp `int (struct xdp_md *)`.
 * Maps: smallest ARRAY u32 -> u32, 1 (the smallest segment size that is let through).
 *
 * Looks for the maximum segment size in the options of a TCP SYN, and drops those that ask for less than is allowed.
 * - Too short for Ethernet, 20 bytes of IPv4 and 20 bytes of TCP; not IPv4; ihl != 5; not TCP; SYN not set; doff <= 5: XDP_PASS.
 * - Options, at most 40, from byte 20 to doff * 4: END (0), or an option (its length too) past data_end or past the header: XDP_PASS;
 *   NOP (1) is one byte; any other has its length in its second byte, below 2: XDP_DROP.
 * - MSS (kind 2, length 4): its value, network order, below element 0: XDP_DROP; otherwise XDP_PASS. None: XDP_PASS.
 */
#include "bpf.h"

#define TCPOPT_END 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2
#define OPTIONS_MAX 40

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} smallest SEC(".maps");

static inline int verdict(u16 mss)
{
	u32 zero = 0, *least = bpf_map_lookup_elem(&smallest, &zero);

	return least && mss < *least ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int tcp_options(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	u32 at = sizeof(*tcp), end;

	if ((void *)(tcp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (ip->ihl != 5 || ip->protocol != IPPROTO_TCP || !(tcp->flags & TCP_SYN))
		return XDP_PASS;
	end = tcp->doff * 4;

	for (int i = 0; i < OPTIONS_MAX && at < end; i++) {
		u8 *option = (void *)tcp + at;
		u8 size;

		if ((void *)(option + 1) > data_end || option[0] == TCPOPT_END)
			return XDP_PASS;
		if (option[0] == TCPOPT_NOP) {
			at++;
			continue;
		}
		if ((void *)(option + 2) > data_end)
			return XDP_PASS;
		size = option[1];
		if (size < 2)
			return XDP_DROP;
		if (at + size > end)
			return XDP_PASS;
		if (option[0] == TCPOPT_MSS && size == 4) {
			if ((void *)(option + 4) > data_end)
				return XDP_PASS;
			return verdict(bpf_ntohs(*(be16 *)(option + 2)));
		}
		at += size;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
