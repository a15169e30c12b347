/* mixed_width: tc `int (struct __sk_buff *)`. No maps.
 *
 * A flow's hash out of 8, 16, 32 and 64 bits, and a decision by it. All arithmetic wraps at the width of its type.
 * - Too short for Ethernet, 20 bytes of IPv4 and 8 bytes behind it; not IPv4; ihl != 5: TC_ACT_OK.
 * - u64 h = ((u64)saddr << 32 | daddr) ^ 0x9e3779b97f4a7c15; h *= 0xff51afd7ed558ccd; h ^= h >> 33;
 *   u32 ports = (u32)source << 16 | dest (as they lie in memory); h += (u64)ports * (u32)(protocol + 1);
 *   u32 low = (u32)h ^ (u32)(h >> 32); low = low << 7 | low >> 25; low *= 0x85ebca6b;
 *   u16 half = (u16)(low >> 16) + (u16)low; u8 byte = (u8)(half >> 8) - (u8)half;
 *   s32 balance = (s32)byte - 128; s64 weight = (s64)balance * skb->len + (s32)low.
 * - skb->mark = half; skb->priority = byte. weight < 0: TC_ACT_OK; otherwise TC_ACT_SHOT.
 */
#include "bpf.h"

SEC("tc")
int mixed_width(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	u32 ports, low;
	s64 weight;
	s32 balance;
	u16 half;
	u8 byte;
	u64 h;

	if ((void *)(udp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return TC_ACT_OK;
	h = ((u64)ip->saddr << 32 | ip->daddr) ^ 0x9e3779b97f4a7c15ull;
	h *= 0xff51afd7ed558ccdull;
	h ^= h >> 33;
	ports = (u32)udp->source << 16 | udp->dest;
	h += (u64)ports * (u32)(ip->protocol + 1);
	low = (u32)h ^ (u32)(h >> 32);
	low = low << 7 | low >> 25;
	low *= 0x85ebca6b;
	half = (u16)(low >> 16) + (u16)low;
	byte = (u8)(half >> 8) - (u8)half;
	balance = (s32)byte - 128;
	weight = (s64)balance * skb->len + (s32)low;
	skb->mark = half;
	skb->priority = byte;
	return weight < 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
