// SPDX-License-Identifier: MIT OR Apache-2.0
// The program of src/load.rs for peers that load ELF files: clang-19 -target bpf -O2 -g -c peer.bpf.c -o peer.bpf.o

struct counters_value {
	unsigned long long packets;
	unsigned long long bytes;
};

struct {
	int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
	unsigned int *key;
	struct counters_value *value;
	int (*max_entries)[1];
} counters __attribute__((section(".maps"), used));

struct __sk_buff {
	unsigned int len;
};

static void *(*const map_lookup_elem)(void *, const void *) = (void *)1;

__attribute__((section("socket"), used)) int count(struct __sk_buff *packet)
{
	unsigned int key = 0;
	struct counters_value *value = map_lookup_elem(&counters, &key);

	if (value) {
		value->packets += 1;
		value->bytes += packet->len;
	}
	return 0;
}

char LICENSE[] __attribute__((section("license"), used)) = "GPL";
