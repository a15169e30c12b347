use bpfsmith::dsl::{Func, RawTracepoint, Value};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

pub fn record(object: &mut ObjectBuilder) {
    let started = object.map(MapSpec::hash::<u64, u64>("started").max_entries(10240));
    let histogram = object.map(MapSpec::array::<u64>("histogram").max_entries(64));
    object.program("log2_histogram", RawTracepoint::RAW, |f, _| {
        let thread = f.local(f.get_current_pid_tgid());
        let start = f.map_lookup(&started, &thread).or_return(0);
        let slot = f.local(log2_u64(f, f.ktime_get_ns() - start.get()));
        let count = f.map_lookup(&histogram, &slot).or_return(0);
        count.fetch_add(1);
        f.return_(0)
    });
}

fn log2_u64<'f>(f: Func<'f, i32>, v: Value<'f, u64>) -> Value<'f, u32> {
    let high = (v >> 32).to::<u32>();
    f.if_else(high.ne(0), || log2_u32(high) + 32, || log2_u32(v.to()))
}

fn log2_u32<'f>(v: Value<'f, u32>) -> Value<'f, u32> {
    let over = |v: Value<'f, u32>, bound: u32| v.gt(bound).value().typed::<bool>().to::<u32>();
    let r = over(v, 0xffff) << 4;
    let v = v >> r;
    let shift = over(v, 0xff) << 3;
    let (v, r) = (v >> shift, r | shift);
    let shift = over(v, 0xf) << 2;
    let (v, r) = (v >> shift, r | shift);
    let shift = over(v, 0x3) << 1;
    let (v, r) = (v >> shift, r | shift);
    r | (v >> 1)
}
