/* checksum_fold: xdp `int (struct xdp_md *)`. No maps.
 *
 * Sums the ten 16-bit words of an IPv4 header, as they lie in memory, into 32 bits, folds the carries in twice, and passes the
 * packet only where the folded sum is 0xffff.
 * - Too short for Ethernet and 20 bytes of IPv4, or not IPv4: XDP_PASS. ihl != 5: XDP_PASS (options are not summed).
 * - The sum folds to 0xffff: XDP_PASS; otherwise XDP_DROP.
 */
#include "bpf.h"

SEC("xdp")
int checksum_fold(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	u16 *words = (void *)ip;
	u32 sum = 0;

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return XDP_PASS;
#pragma unroll
	for (int i = 0; i < sizeof(*ip) / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
