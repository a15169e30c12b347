/* What the programs of this directory need of uapi headers and libbpf's: types, contexts, protocol headers, helpers. Layouts
 * and numbers are those of include/uapi/linux/bpf.h and of the protocols. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;
typedef u16 be16;
typedef u32 be32;

#define SEC(name) __attribute__((section(name), used))
#define inline inline __attribute__((always_inline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NULL ((void *)0)

/* Map definitions in BTF. */
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_F_NO_PREALLOC = 1 };

/* Byte order: the machine's is little-endian. */
#define bpf_htons(x) ((be16)(__builtin_constant_p(x) ? (u16)((((x) & 0xff) << 8) | (((x) >> 8) & 0xff)) : __builtin_bswap16(x)))
#define bpf_ntohs(x) bpf_htons(x)
#define bpf_htonl(x) ((be32)__builtin_bswap32(x))
#define bpf_ntohl(x) bpf_htonl(x)

/* Helpers, by number. */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_get_current_comm)(void *buf, u32 size) = (void *)16;

struct bpf_spin_lock {
	u32 val;
};
static long (*const bpf_spin_lock)(struct bpf_spin_lock *lock) = (void *)93;
static long (*const bpf_spin_unlock)(struct bpf_spin_lock *lock) = (void *)94;

static void *(*const bpf_ringbuf_reserve)(void *ringbuf, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;

struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));
static long (*const bpf_timer_init)(struct bpf_timer *timer, void *map, u64 flags) = (void *)169;
static long (*const bpf_timer_set_callback)(struct bpf_timer *timer, void *callback) = (void *)170;
static long (*const bpf_timer_start)(struct bpf_timer *timer, u64 nsecs, u64 flags) = (void *)171;
static long (*const bpf_loop)(u32 nr_loops, void *callback, void *ctx, u64 flags) = (void *)181;

/* Contexts. */
struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
enum { XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX, XDP_REDIRECT };

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex;
	u32 ifindex, tc_index, cb[5], hash, tc_classid, data, data_end;
};
enum { TC_ACT_OK = 0, TC_ACT_SHOT = 2 };

struct bpf_raw_tracepoint_args {
	u64 args[0];
};

struct bpf_cgroup_dev_ctx {
	u32 access_type; /* (BPF_DEVCG_ACC_* << 16) | BPF_DEVCG_DEV_* */
	u32 major, minor;
};
enum { BPF_DEVCG_DEV_BLOCK = 1, BPF_DEVCG_DEV_CHAR = 2 };
enum { BPF_DEVCG_ACC_MKNOD = 1, BPF_DEVCG_ACC_READ = 2, BPF_DEVCG_ACC_WRITE = 4 };

/* Protocol headers. */
enum { ETH_P_IP = 0x0800, ETH_P_ARP = 0x0806, ETH_P_IPV6 = 0x86dd };
enum { IPPROTO_ICMP = 1, IPPROTO_TCP = 6, IPPROTO_UDP = 17 };

struct ethhdr {
	u8 h_dest[6], h_source[6];
	be16 h_proto; /* not packed as in the kernel's header, or clang would read it byte by byte */
};

struct iphdr {
	u8 ihl : 4, version : 4;
	u8 tos;
	be16 tot_len, id, frag_off;
	u8 ttl, protocol;
	u16 check;
	be32 saddr, daddr;
};

struct ipv6hdr {
	be32 flow;
	be16 payload_len;
	u8 nexthdr, hop_limit;
	u8 saddr[16], daddr[16];
};

struct tcphdr {
	be16 source, dest;
	be32 seq, ack_seq;
	u8 res1 : 4, doff : 4;
	u8 flags;
	be16 window;
	u16 check;
	be16 urg_ptr;
};
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct udphdr {
	be16 source, dest, len;
	u16 check;
};
