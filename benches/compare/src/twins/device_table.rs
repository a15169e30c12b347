use bpfsmith::dsl::{CgroupDevice, Verdict};
use bpfsmith::object::ObjectBuilder;

const BLOCK: u32 = 1;
const CHARACTER: u32 = 2;
const MKNOD: u32 = 1;
const READ: u32 = 2;
const WRITE: u32 = 4;

pub fn record(object: &mut ObjectBuilder) {
    object.program("device_table", CgroupDevice::DEVICE, |f, ctx| {
        let (sort, asked) = (ctx.access_type() & 0xffff, ctx.access_type() >> 16);
        let (major, minor) = (ctx.major(), ctx.minor());
        let only = |allowed: u32| !asked.any_bits(!allowed);
        let allow = || f.return_(Verdict::ALLOW);
        f.if_(sort.eq(CHARACTER), || {
            f.if_(only(MKNOD), allow);
            f.switch(major)
                .case(1, || {
                    f.if_(minor.eq(3) | minor.eq(5) | minor.eq(7) | minor.eq(8) | minor.eq(9), allow);
                })
                .case(5, || f.if_(minor.le(2), allow))
                .case(10, || {
                    f.if_(minor.eq(200) & only(READ | WRITE), allow);
                    f.if_(minor.eq(229) & only(READ), allow);
                })
                .case(136, || {
                    allow();
                })
                .default(|| ());
        });
        f.if_(sort.eq(BLOCK), || {
            f.if_(only(MKNOD) | (major.eq(8) & minor.le(15) & only(READ)), allow);
        });
        f.return_(Verdict::DENY)
    });
}
