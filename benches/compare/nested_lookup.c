/* nested_lookup: tc `int (struct __sk_buff *)`.
 * Maps: clients HASH u32 (source address, network order) -> u32 (group), 1024;
 *       policies HASH struct policy_key -> struct policy, 1024;
 *       limits ARRAY u32 (group, below 64) -> u64 (bytes), 64.
 *
 * What a client may send: its address gives its group, group and destination port a policy, the group a limit of bytes.
 * - Not IPv4 with 20 bytes of header and TCP or UDP ports behind it (ihl == 5): TC_ACT_OK.
 * - The client has no group: TC_ACT_SHOT. The group has no policy for the port (network order): TC_ACT_OK.
 * - The policy denies: TC_ACT_SHOT. Otherwise adds skb->len to the policy's bytes (atomic add); where the group has a limit that
 *   is not 0 and skb->len is over it: TC_ACT_SHOT; else TC_ACT_OK.
 */
#include "bpf.h"

struct policy_key {
	u32 group;
	be16 port;
	u8 protocol, pad;
};
struct policy {
	u64 bytes;
	u32 deny, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u32);
} clients SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct policy_key);
	__type(value, struct policy);
} policies SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, u64);
} limits SEC(".maps");

SEC("tc")
int nested_lookup(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *ports = (void *)(ip + 1);
	struct policy_key key = {};
	struct policy *policy;
	u32 saddr, *group;
	u64 *limit;

	if ((void *)(ports + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5)
		return TC_ACT_OK;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return TC_ACT_OK;
	saddr = ip->saddr;
	key.port = ports->dest;
	key.protocol = ip->protocol;

	group = bpf_map_lookup_elem(&clients, &saddr);
	if (!group)
		return TC_ACT_SHOT;
	key.group = *group;
	policy = bpf_map_lookup_elem(&policies, &key);
	if (!policy)
		return TC_ACT_OK;
	if (policy->deny)
		return TC_ACT_SHOT;
	__sync_fetch_and_add(&policy->bytes, skb->len);
	limit = bpf_map_lookup_elem(&limits, &key.group);
	if (limit && *limit && skb->len > *limit)
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
