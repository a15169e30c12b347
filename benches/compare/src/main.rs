//! The programs of this directory, written with bpfsmith: how many slots each has, and how many instructions the verifier of the
//! running kernel looked at. `ours` runs it, `ours list [name]` prints the code, `ours same <directory>` runs both sides.

mod headers;
mod packets;
mod same;
mod twins;

use std::error::Error;

use bpfsmith::asm::Isa;
use bpfsmith::kernel;
use bpfsmith::object::Object;
use twins::Twin;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |twin: &&Twin| words.get(1).is_none_or(|name| name == twin.0);
    let twins = twins::ALL.iter().filter(wanted);
    match words.first().map(String::as_str) {
        None => twins::ALL.iter().try_for_each(|twin| row(*twin)),
        Some("same") => same::compare(words.get(1).ok_or("a directory of pins is missing")?.as_ref()),
        Some("list") => twins.copied().try_for_each(list),
        Some(other) => Err(format!("`{other}`: nothing, `list [program]` or `same <directory>`").into()),
    }
}

fn row(twin: Twin) -> Result<(), Box<dyn Error>> {
    let objects = [twins::object(twin, Isa::V3)?, twins::object(twin, Isa::V4)?];
    let [slots_v3, slots_v4] = objects.each_ref().map(slots);
    let [processed_v3, processed_v4] = [processed(&objects[0], twin.0)?, processed(&objects[1], twin.0)?];
    println!("{},{slots_v3},{slots_v4},{processed_v3},{processed_v4}", twin.0);
    Ok(())
}

fn slots(object: &Object) -> usize {
    object.linked().programs.iter().map(|program| program.slots.len()).sum()
}

fn processed(object: &Object, name: &str) -> Result<u32, Box<dyn Error>> {
    let loaded = kernel::load(object).map_err(|error| format!("{name}: {error}"))?;
    Ok(loaded.program(name)?.verified_insns()?)
}

fn list(twin: Twin) -> Result<(), Box<dyn Error>> {
    for isa in [Isa::V3, Isa::V4] {
        for function in twins::object(twin, isa)?.functions() {
            println!("{}:\n{}", function.name, function.code);
        }
    }
    Ok(())
}
