/* device_table: cgroup/dev `int (struct bpf_cgroup_dev_ctx *)`. No maps.
 *
 * The devices that a container may use by default. Returns 1 to allow, 0 to deny. access_type: the low 16 bits are the sort (block 1,
 * char 2), the high 16 what is asked: mknod 1, read 2, write 4. Rules in order; the first that matches allows, no match denies:
 *   char any:any mknod only; block any:any mknod only; char 1:3, 1:5, 1:7, 1:8, 1:9 all; char 5:0, 5:1, 5:2 all;
 *   char 136:any all; char 10:200 read and write only (not mknod); char 10:229 read only; block 8:0 to 8:15 read only.
 * "only": nothing but these is asked for.
 */
#include "bpf.h"

#define MKNOD BPF_DEVCG_ACC_MKNOD
#define READ BPF_DEVCG_ACC_READ
#define WRITE BPF_DEVCG_ACC_WRITE

static inline int only(u32 asked, u32 allowed)
{
	return !(asked & ~allowed);
}

SEC("cgroup/dev")
int device_table(struct bpf_cgroup_dev_ctx *ctx)
{
	u32 sort = ctx->access_type & 0xffff, asked = ctx->access_type >> 16;
	u32 major = ctx->major, minor = ctx->minor;

	if (sort == BPF_DEVCG_DEV_CHAR) {
		if (only(asked, MKNOD))
			return 1;
		switch (major) {
		case 1:
			return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9;
		case 5:
			return minor <= 2;
		case 10:
			if (minor == 200)
				return only(asked, READ | WRITE);
			return minor == 229 && only(asked, READ);
		case 136:
			return 1;
		}
		return 0;
	}
	if (sort == BPF_DEVCG_DEV_BLOCK) {
		if (only(asked, MKNOD))
			return 1;
		return major == 8 && minor <= 15 && only(asked, READ);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
