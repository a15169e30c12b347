use bpfsmith::BtfType;
use bpfsmith::dsl::{SchedCls, TcAction};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct State {
    sum: u64,
    largest: u64,
}

pub fn record(object: &mut ObjectBuilder) {
    let numbers = object.map(MapSpec::array::<u64>("numbers").max_entries(256));
    let result = object.map(MapSpec::array::<State>("result").max_entries(1));
    object.program("loop_sum", SchedCls::CLASSIFIER, |f, ctx| {
        let count = f.var(ctx.mark());
        f.if_(count.gt(256), || count.set(256));
        let state = f.zeroed::<State>();
        f.bpf_loop(count, &state, |g, index, state| {
            let number = g.map_lookup(&numbers, &g.local(index)).or_else(|| g.break_()).get();
            g.if_(number.eq(0), || g.break_());
            let (sum, largest) = (state.field(State::SUM), state.field(State::LARGEST));
            sum.set(sum.get() + number);
            g.if_(number.gt(largest.get()), || largest.set(number));
        });
        let out = f.map_lookup(&result, &f.local(0u32)).or_return(TcAction::OK);
        out.copy_from(state);
        f.return_(TcAction::OK)
    });
}
