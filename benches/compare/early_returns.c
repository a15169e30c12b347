/* early_returns: xdp `int (struct xdp_md *)`. No maps.
 *
 * Whether an IPv4 packet is sane, by one check after the other. Not IPv4, or too short for Ethernet: XDP_PASS. XDP_DROP, in this
 * order, where
 * - it is too short for 20 bytes of IPv4; version != 4; ihl < 5; the total length is below ihl * 4 or over what there is behind
 *   Ethernet; ttl is 0; the reserved flag (0x8000) is set; it is a fragment (offset not 0) with DF (0x4000);
 * - the source is 0.0.0.0/8 or 127.0.0.0/8, or 224.0.0.0 and above; the source is the destination; the destination is 0.0.0.0/8 or
 *   127.0.0.0/8;
 * - the protocol is 0, or TCP with less than 20, or UDP with less than 8 bytes behind the header (by the total length).
 * Otherwise XDP_PASS.
 */
#include "bpf.h"

SEC("xdp")
int early_returns(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	u32 header, total, source, destination;
	u16 fragment;

	if ((void *)(eth + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if ((void *)(ip + 1) > data_end)
		return XDP_DROP;
	if (ip->version != 4 || ip->ihl < 5)
		return XDP_DROP;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (total < header || total > data_end - (void *)ip)
		return XDP_DROP;
	if (!ip->ttl)
		return XDP_DROP;
	fragment = bpf_ntohs(ip->frag_off);
	if (fragment & 0x8000)
		return XDP_DROP;
	if (fragment & 0x1fff && fragment & 0x4000)
		return XDP_DROP;

	source = bpf_ntohl(ip->saddr);
	destination = bpf_ntohl(ip->daddr);
	if (source >> 24 == 0 || source >> 24 == 127 || source >> 24 >= 224)
		return XDP_DROP;
	if (source == destination)
		return XDP_DROP;
	if (destination >> 24 == 0 || destination >> 24 == 127)
		return XDP_DROP;

	total -= header;
	if (!ip->protocol)
		return XDP_DROP;
	if (ip->protocol == IPPROTO_TCP && total < sizeof(struct tcphdr))
		return XDP_DROP;
	if (ip->protocol == IPPROTO_UDP && total < sizeof(struct udphdr))
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
