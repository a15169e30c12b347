use bpfsmith::BtfType;
use bpfsmith::dsl::{RawTracepoint, RingbufFlags};
use bpfsmith::map::MapSpec;
use bpfsmith::object::ObjectBuilder;

#[derive(BtfType, Clone, Copy)]
#[repr(C)]
struct Event {
    when: u64,
    thread: u64,
    id: i64,
    process: u32,
    length: u32,
    comm: [u8; 16],
}

pub fn record(object: &mut ObjectBuilder) {
    let events = object.map(MapSpec::ringbuf("events", 262_144));
    let dropped = object.map(MapSpec::array::<u64>("dropped").max_entries(1));
    object.program("ringbuf_submit", RawTracepoint::RAW, |f, ctx| {
        let event = f.ringbuf_reserve::<Event>(&events).or_else(|| {
            let count = f.map_lookup(&dropped, &f.local(0u32)).or_return(0);
            count.fetch_add(1);
            f.return_(0)
        });
        event.field(Event::WHEN).set(f.ktime_get_ns());
        let thread = f.get_current_pid_tgid();
        event.field(Event::THREAD).set(thread);
        event.field(Event::ID).set(ctx.arg(1).to::<i64>());
        event.field(Event::PROCESS).set((thread >> 32).to::<u32>());
        event.field(Event::LENGTH).set(16);
        f.get_current_comm(&event.field(Event::COMM));
        f.ringbuf_submit(&event, RingbufFlags::empty());
        f.return_(0)
    });
}
