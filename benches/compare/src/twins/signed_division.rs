use bpfsmith::BtfType;
use bpfsmith::dsl::{SchedCls, TcAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Average {
    mean: i64,
    drift: i64,
    window: i32,
    last: i32,
}

pub fn record(object: &mut ObjectBuilder) {
    let averages = object.map(MapSpec::array::<Average>("averages").max_entries(1));
    object.program("signed_division", SchedCls::CLASSIFIER, |f, ctx| {
        let len = ctx.len();
        let average = f.map_lookup(&averages, &f.local(0u32)).or_return(TcAction::OK);
        let window = average.field(Average::WINDOW).get();
        f.if_(window.le(0), || f.return_(TcAction::OK));
        let (mean, drift) = (average.field(Average::MEAN), average.field(Average::DRIFT));
        let last = average.field(Average::LAST);
        let delta = len.to::<i64>() - mean.get();
        mean.set(mean.get() + delta / window.to::<i64>());
        drift.set((drift.get() * 7 + delta) / 8);
        let step = len.to::<i32>() - last.get();
        last.set(len.to::<i32>());
        ctx.set_priority((step % window).to::<u32>());
        f.return_(TcAction::OK)
    });
}
