/* ipv4_options: xdp `int (struct xdp_md *)`. No maps.
 *
 * Walks the options of an IPv4 header and drops packets that ask for source routing.
 * - Not IPv4, too short for Ethernet and 20 bytes of IPv4, or ihl < 5: XDP_PASS.
 * - ihl == 5 (no options): XDP_PASS. The header with its options is longer than the packet: XDP_DROP.
 * - For each option, at most 40: END (0) ends the walk with XDP_PASS; NOP (1) is one byte; any other has its length in its
 *   second byte. A length below 2, or one that goes past the header, is XDP_DROP; so is LSRR (131) or SSRR (137).
 * - The end of the header: XDP_PASS.
 */
#include "bpf.h"

#define IPOPT_END 0
#define IPOPT_NOP 1
#define IPOPT_LSRR 131
#define IPOPT_SSRR 137
#define OPTIONS_MAX 40

SEC("xdp")
int ipv4_options(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	u32 length, at = 0;
	u8 *options;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5)
		return XDP_PASS;
	length = ip->ihl * 4 - sizeof(*ip);
	if (!length)
		return XDP_PASS;
	options = (void *)(ip + 1);
	if ((void *)options + length > data_end)
		return XDP_DROP;

	for (int i = 0; i < OPTIONS_MAX && at < length; i++) {
		u8 *option = options + at;
		u8 kind, size;

		if ((void *)(option + 1) > data_end)
			return XDP_DROP;
		kind = option[0];
		if (kind == IPOPT_END)
			return XDP_PASS;
		if (kind == IPOPT_NOP) {
			at++;
			continue;
		}
		if (kind == IPOPT_LSRR || kind == IPOPT_SSRR)
			return XDP_DROP;
		if ((void *)(option + 2) > data_end)
			return XDP_DROP;
		size = option[1];
		if (size < 2 || at + size > length)
			return XDP_DROP;
		at += size;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
