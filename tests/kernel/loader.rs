//! Loading: where maps come from, what they hold from the start, and how programs find them.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use bpfsmith::asm::Reg::{R0, R1, R2, R3, R5, R6};
use bpfsmith::asm::{Assembler, Helper, Size};
use bpfsmith::base::{Endian, Errno, KernelVersion};
use bpfsmith::kernel::{self, ElemFlags, Inputs, LoadError, Loaded, Map, MapError, unpin};
use bpfsmith::kind::ProgramKind;
use bpfsmith::map::{MapFlags, MapKind, MapSpec};
use bpfsmith::object::{Object, ObjectBuilder};
use bpfsmith::plan::Plan;
use bpfsmith::program::ProgramSpec;
use bpfsmith::target::{Fact, Feature, Subject, Target};

use crate::common::{Assembled, FP, builder, load, look_up, object_of, returns, run, run_on, run_on_packet};
use crate::golden;
use crate::support::{
    Suite, all, has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_since, has_vmlinux_btf, with_bpffs,
};

pub fn add(suite: &mut Suite) {
    suite.test_if(
        has_cap_bpf,
        "loader: the golden object with maps by descriptor, its timer fires",
        by_descriptor,
    );
    suite.test_if(has_cap_bpf, "loader: the golden object with maps by index, its timer fires", by_index);
    suite.test_if(
        has_cap_bpf,
        "loader: initial entries of a hash and an array, in the object's order",
        entries,
    );
    suite.test_if(has_cap_bpf, "loader: an initial entry of a per-CPU map is every CPU's", per_cpu_entries);
    suite.test_if(has_cap_bpf, "loader: a frozen map holds its entries and takes no more", frozen);
    suite.test_if(has_cap_bpf, "loader: the verifier knows what a frozen map holds", known_to_the_verifier);
    suite.test_if(
        has_cap_bpf,
        "loader: a supplied map keeps what it holds, and is not frozen",
        supplied_keeps,
    );
    suite.test_if(has_cap_bpf, "loader: maps in an array of maps", array_of_maps);
    suite.test_if(has_cap_bpf, "loader: maps in a hash of maps", hash_of_maps);
    suite.test_if(has_cap_bpf, "loader: programs in a program array, called by tail", program_array);
    suite.test_if(has_cap_bpf, "loader: a map that the caller supplies", supplied);
    suite.test_if(has_cap_bpf, "loader: a supplied map that is not there", not_supplied);
    suite.test_if(has_cap_bpf, "loader: a supplied map that is another, or not asked for", wrongly_supplied);
    suite.test_if(has_cap_bpf, "loader: a perf event array has an entry for each CPU", one_for_each_cpu);
    suite.test_if(has_cap_bpf, "loader: a map without a type, long and strange names", names);
    let symbols = all(&[has_cap_bpf, has_cap_perfmon, has_cap_sys_admin, has_vmlinux_btf]);
    suite.test_if(
        || has_since(KernelVersion::new(6, 4), "typed addresses of its functions").and_then(|()| symbols()),
        "loader: addresses of kernel symbols, by name and by type",
        ksyms,
    );
    type InBpffs = (&'static str, fn(&Path));
    let in_bpffs: [InBpffs; 4] = [
        ("a pinned map is made once, then reused with what it holds", pinned),
        ("a pinned map of another shape is refused", pinned_otherwise),
        ("a pinned map whose flags the kernel adds to is reused", pinned_devmap),
        ("what is pinned and no map is refused", pinned_program),
    ];
    for (name, test) in in_bpffs {
        let needed = all(&[has_cap_bpf, has_cap_sys_admin]);
        suite.test_if(needed, &format!("loader: {name}"), move || with_bpffs(test));
    }
}

fn load_by(fd_array: Fact) -> Loaded {
    let object = golden::object(Endian::NATIVE);
    let target = Target::running(object.needs()).unwrap();
    let target = target.with_fact(Subject::Feature(Feature::FdArray), fd_array);
    let plan = Plan::new(&object, &target).unwrap();
    kernel::load_plan(&object, &plan, Inputs::new()).unwrap()
}

fn by_descriptor() {
    assert_fires(&load_by(Fact::No));
}

fn by_index() {
    assert_fires(&load_by(Fact::Yes));
}

/// A cancel that finds an initialised timer not queued says that it fired.
fn assert_fires(golden: &Loaded) {
    let mut object = builder();
    object.add_map(MapSpec::typed::<i32, golden::Value>(MapKind::ARRAY, "m").max_entries(1).supplied());
    object.add_program(ProgramSpec::new("cancel", ProgramKind::SYSCALL), cancel());
    let object = object.finish().unwrap();
    let plan = Plan::new(&object, &Target::running(object.needs()).unwrap()).unwrap();
    let inputs = Inputs::new().map("m", golden.map("m").unwrap().try_clone().unwrap());
    let cancels = kernel::load_plan(&object, &plan, inputs).unwrap();
    assert_eq!(run(cancels.program("cancel").unwrap()).cast_signed(), -22, "not initialised yet");
    for wait in [2, 20, 200, 2000, 20_000] {
        assert_eq!(run_on_packet(golden.program("main").unwrap()), 0);
        sleep(Duration::from_millis(wait));
        if run(cancels.program("cancel").unwrap()) == 0 {
            return;
        }
    }
    panic!("the timer does not fire");
}

fn cancel() -> Assembled {
    let mut a = Assembler::new();
    let out = a.label();
    a.st(Size::W, FP, -4, 0);
    look_up(&mut a, "m").jeq(R0, 0, out).mov(R1, R0).call(Helper::TIMER_CANCEL);
    a.bind(out).exit();
    a.finish()
}

fn entries() {
    let mut object = builder();
    let hash = object.add_map(MapSpec::hash::<u32, u64>("hash").max_entries(3));
    let array = object.add_map(MapSpec::array::<u16>("array").max_entries(3));
    for key in 1..=3 {
        object.add_entry(hash, &key, &(u64::from(key) * 100));
    }
    object.add_entry(array, &2, &7);
    object.add_entry(array, &2, &8);
    object.add_entry_bytes(array, &0_u32.to_ne_bytes(), &9_u16.to_ne_bytes());
    let loaded = load(&object.finish().unwrap());
    let hash = loaded.typed_map::<u32, u64>("hash").unwrap();
    let mut held: Vec<_> = hash.iter().map(Result::unwrap).collect();
    held.sort_unstable();
    assert_eq!(held, [(1, 100), (2, 200), (3, 300)]);
    let array = loaded.typed_map::<u32, u16>("array").unwrap();
    let held: Vec<_> = array.iter().map(Result::unwrap).collect();
    assert_eq!(held, [(0, 9), (1, 0), (2, 8)]);
}

fn per_cpu_entries() {
    for kind in [MapKind::PERCPU_HASH, MapKind::PERCPU_ARRAY] {
        let mut object = builder();
        let map = object.add_map(MapSpec::typed::<u32, [u8; 3]>(kind, "map").max_entries(2));
        object.add_entry(map, &1, &[1, 2, 3]);
        let loaded = load(&object.finish().unwrap());
        let map = loaded.typed_map::<u32, [u8; 3]>("map").unwrap();
        let values = map.get_per_cpu(&1).unwrap().unwrap();
        assert_eq!(values, vec![[1, 2, 3]; map.untyped().values_per_key()]);
    }
}

fn frozen() {
    let mut object = builder();
    let map = object
        .add_map(MapSpec::array::<u32>("constants").max_entries(1).flags(MapFlags::RDONLY_PROG).freeze());
    object.add_entry(map, &0, &42);
    let mut a = Assembler::new();
    a.load_map_value(R1, "constants", 0).ldx(Size::W, R0, R1, 0).exit();
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), 42);
    let map = loaded.typed_map::<u32, u32>("constants").unwrap();
    let expected =
        MapError::Kernel { map: "constants".into(), operation: "MAP_UPDATE_ELEM", errno: Errno::EPERM };
    assert_eq!(map.set(&0, &43), Err(expected));
    assert_eq!(map.get(&0).unwrap(), Some(42));
}

/// The branch that no verifier would take is dead, since the number is known.
fn known_to_the_verifier() {
    let mut object = builder();
    let spec = MapSpec::array::<u32>("constants").max_entries(1).flags(MapFlags::RDONLY_PROG);
    let map = object.add_map(spec.freeze());
    object.add_entry(map, &0, &42);
    let mut a = Assembler::new();
    let known = a.label();
    a.load_map_value(R1, "constants", 0).ldx(Size::W, R0, R1, 0);
    a.jeq(R0, 42, known).mov(R0, R5).bind(known).exit();
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
    assert_eq!(run(load(&object.finish().unwrap()).program("prog").unwrap()), 42);
}

/// Returns the number behind the key 0 of the map behind the key 0 of `outer`; 1000 and 1001 where one is missing.
fn reads_inner() -> Assembled {
    let mut a = Assembler::new();
    let (found, read) = (a.label(), a.label());
    a.st(Size::W, FP, -4, 0);
    look_up(&mut a, "outer").jne(R0, 0, found).mov(R0, 1000).exit();
    a.bind(found).mov(R1, R0).mov(R2, FP).add(R2, -4).call(Helper::MAP_LOOKUP_ELEM);
    a.jne(R0, 0, read).mov(R0, 1001).exit();
    a.bind(read).ldx(Size::W, R0, R0, 0).exit();
    a.finish()
}

fn inner(name: &str) -> MapSpec<u32, u32> {
    MapSpec::array::<u32>(name).max_entries(1)
}

fn array_of_maps() {
    let mut object = builder();
    let first = object.add_map(inner("first"));
    let outer = object.add_map(MapSpec::array_of_maps("outer", inner("template")).max_entries(2));
    object.add_entry(first, &0, &77);
    object.add_entry_map(outer, &0, "first");
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), reads_inner());
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), 77);
    loaded.typed_map::<u32, u32>("first").unwrap().set(&0, &78).unwrap();
    assert_eq!(run(loaded.program("prog").unwrap()), 78);
    assert!(loaded.map("template").is_err());
}

/// The map inside is added after the one around it.
fn hash_of_maps() {
    let mut object = builder();
    let outer = object.add_map(MapSpec::hash_of_maps::<u32>("outer", inner("template")).max_entries(2));
    object.add_entry_map(outer, &0, "second");
    let second = object.add_map(inner("second"));
    object.add_entry(second, &0, &5);
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), reads_inner());
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), 5);
    assert!(loaded.map("outer").unwrap().delete(&[0; 4]).unwrap());
    assert_eq!(run(loaded.program("prog").unwrap()), 1000);
}

fn program_array() {
    let mut object = builder();
    let array = object.add_map(MapSpec::prog_array("calls").max_entries(2));
    object.add_entry_program(array, &1, "callee");
    for (name, index) in [("empty", 0), ("full", 1)] {
        let mut a = Assembler::new();
        a.load_map(R2, "calls").mov(R3, index).call(Helper::TAIL_CALL).mov(R0, 3).exit();
        object.add_program(ProgramSpec::new(name, ProgramKind::SOCKET_FILTER), a.finish());
    }
    object.add_program(ProgramSpec::new("callee", ProgramKind::SOCKET_FILTER), returns(4));
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run_on_packet(loaded.program("empty").unwrap()), 3);
    assert_eq!(run_on_packet(loaded.program("full").unwrap()), 4);
}

/// Returns the number behind the key 0 of the array `numbers`.
fn reads(object: &mut ObjectBuilder) {
    let mut a = Assembler::new();
    a.load_map_value(R6, "numbers", 0).ldx(Size::W, R0, R6, 0).exit();
    object.add_program(ProgramSpec::new("prog", ProgramKind::SYSCALL), a.finish());
}

fn takes_supplied() -> (Object, Plan) {
    let mut object = builder();
    object.add_map(inner("numbers").supplied());
    reads(&mut object);
    let object = object.finish().unwrap();
    let plan = Plan::new(&object, &Target::running(object.needs()).unwrap()).unwrap();
    (object, plan)
}

fn supplied() {
    let mut object = builder();
    let map = object.add_map(inner("other_name"));
    object.add_entry(map, &0, &19);
    let mut owner = load(&object.finish().unwrap());
    let (object, plan) = takes_supplied();
    let inputs = Inputs::new().map("numbers", owner.take_map("other_name").unwrap());
    let loaded = kernel::load_plan(&object, &plan, inputs).unwrap();
    assert_eq!(run(loaded.program("prog").unwrap()), 19);
    assert_eq!(loaded.typed_map::<u32, u32>("numbers").unwrap().get(&0).unwrap(), Some(19));
}

/// Entries, and the end of writing, are for maps that the load makes.
fn supplied_keeps() {
    let mut object = builder();
    let map = object.add_map(inner("numbers"));
    object.add_entry(map, &0, &19);
    let owner = load(&object.finish().unwrap());
    let mut object = builder();
    let map = object.add_map(inner("numbers").supplied().freeze());
    object.add_entry(map, &0, &20);
    let object = object.finish().unwrap();
    let plan = Plan::new(&object, &Target::running(object.needs()).unwrap()).unwrap();
    let inputs = Inputs::new().map("numbers", owner.map("numbers").unwrap().try_clone().unwrap());
    let loaded = kernel::load_plan(&object, &plan, inputs).unwrap();
    let map = loaded.typed_map::<u32, u32>("numbers").unwrap();
    assert_eq!(map.get(&0).unwrap(), Some(19));
    map.set(&0, &21).unwrap();
}

fn not_supplied() {
    let (object, plan) = takes_supplied();
    let error = kernel::load_plan(&object, &plan, Inputs::new()).unwrap_err();
    assert_eq!(error, LoadError::NotSupplied { map: "numbers".into() });
    assert_eq!(error.to_string(), "map `numbers` has to be supplied by the caller (`Inputs::map`)");
    assert_eq!(kernel::load(&object).unwrap_err(), error);
}

/// A name that nobody asked for is a slip, and a map of another shape would be read as what it is not.
fn wrongly_supplied() {
    let mut object = builder();
    object.add_map(inner("numbers"));
    object.add_map(MapSpec::array::<u64>("wide").max_entries(1));
    object.add_map(MapSpec::hash::<u32, u32>("hash").max_entries(1));
    let owner = load(&object.finish().unwrap());
    let supply = |inputs: Inputs, name: &str, map: &str| {
        inputs.map(name, owner.map(map).unwrap().try_clone().unwrap())
    };
    let (object, _) = takes_supplied();
    let good = || supply(Inputs::new(), "numbers", "numbers");
    drop(kernel::load_with(&object, good()).unwrap());
    let refused = |inputs| kernel::load_with(&object, inputs).unwrap_err();
    assert_eq!(refused(supply(good(), "number", "numbers")), LoadError::NotWanted { map: "number".into() });
    let unfit =
        |attribute, found, wanted| LoadError::Unfit { map: "numbers".into(), attribute, found, wanted };
    let wide = refused(supply(Inputs::new(), "numbers", "wide"));
    assert_eq!(wide, unfit("value_size", 8, 4));
    let hash = refused(supply(Inputs::new(), "numbers", "hash"));
    assert_eq!(hash, unfit("type", MapKind::HASH.0, MapKind::ARRAY.0));
}

fn one_for_each_cpu() {
    let mut object = builder();
    object.add_map(MapSpec::perf_event_array("events"));
    let loaded = load(&object.finish().unwrap());
    let events = loaded.typed_map::<u32, u32>("events").unwrap();
    let cpus = bpfsmith::sys::host::possible_cpus().unwrap();
    assert_eq!(events.keys().count(), cpus as usize);
}

fn names() {
    let mut object = builder();
    let (line, column) = (line!() + 1, 12);
    object.add_program(ProgramSpec::new("a program", ProgramKind::SYSCALL), returns(1));
    let error = object.finish().unwrap_err();
    let place = format!(" at tests/kernel/loader.rs:{line}:{column}: ");
    assert!(error.to_string().contains(&place), "{error}");

    let mut object = builder();
    let bare = MapSpec::new(MapKind::HASH, "a name of more than fifteen bytes").key_size(3).value_size(5);
    object.add_map(bare.max_entries(2));
    object.add_program(ProgramSpec::new("a_program.of_many_letters", ProgramKind::SYSCALL), returns(1));
    let loaded = load(&object.finish().unwrap());
    assert_eq!(run(loaded.program("a_program.of_many_letters").unwrap()), 1);
    let map = loaded.map("a name of more than fifteen bytes").unwrap();
    map.update(&[1, 2, 3], &[9; 5], ElemFlags::empty()).unwrap();
    let mut value = [0; 5];
    assert!(map.lookup(&[1, 2, 3], &mut value).unwrap() && value == [9; 5]);
    assert!(!map.lookup(&[1, 2, 4], &mut value).unwrap());
}

/// A function's address, looked up in the table of symbols and through BTF, is one.
fn ksyms() {
    let mut a = Assembler::new();
    a.load_ksym(R2, "bpf_rcu_read_lock").stx(Size::DW, R1, 0, R2);
    a.load_ksym_typed(R2, "bpf_rcu_read_lock").stx(Size::DW, R1, 8, R2);
    a.mov(R0, 0).exit();
    let loaded = load(&object_of(ProgramKind::SYSCALL, a.finish()));
    let addresses = run_on(loaded.program("prog").unwrap(), &[0, 0]);
    assert_eq!(addresses[0], addresses[1]);
    assert_ne!(addresses[0], 0);
}

/// An object that counts in a pinned map: each load writes the entry that only the first may write.
fn counts_in(path: &Path, spec: MapSpec<u32, u32>) -> Object {
    let mut object = builder();
    let map = object.add_map(spec.pinned(path.to_str().unwrap()));
    object.add_entry(map, &0, &5);
    reads(&mut object);
    object.finish().unwrap()
}

fn pinned(bpffs: &Path) {
    let path = bpffs.join("numbers");
    let object = counts_in(&path, inner("numbers"));
    let first = load(&object);
    assert_eq!(run(first.program("prog").unwrap()), 5);
    first.typed_map::<u32, u32>("numbers").unwrap().set(&0, &6).unwrap();
    let id = first.map("numbers").unwrap().id().unwrap();
    drop(first);
    let second = load(&object);
    assert_eq!(run(second.program("prog").unwrap()), 6, "the entry was written again");
    assert_eq!(second.map("numbers").unwrap().id().unwrap(), id);
    assert_eq!(Map::open(&path).unwrap().id().unwrap(), id);
    unpin(&path).unwrap();
    assert_eq!(run(load(&object).program("prog").unwrap()), 5);
}

fn pinned_otherwise(bpffs: &Path) {
    let path = bpffs.join("numbers");
    drop(load(&counts_in(&path, inner("numbers"))));
    let others = [
        (inner("numbers").max_entries(2), "max_entries", 1, 2),
        (inner("numbers").flags(MapFlags::MMAPABLE), "map_flags", 0, 1 << 10),
        (MapSpec::hash::<u32, u32>("numbers").max_entries(1), "type", 2, 1),
    ];
    for (spec, attribute, found, wanted) in others {
        let mut object = builder();
        object.add_map(spec.pinned(path.to_str().unwrap()));
        let error = kernel::load(&object.finish().unwrap()).unwrap_err();
        let (map, path) = ("numbers".to_owned(), path.to_str().unwrap().to_owned());
        let text = format!(
            "map `numbers`: `{path}` is pinned with {attribute} = {found}, the object wants {wanted}"
        );
        assert_eq!(error, LoadError::Incompatible { map, path, attribute, found, wanted });
        assert_eq!(error.to_string(), text);
    }
    let mut object = builder();
    object.add_map(MapSpec::array::<u64>("numbers").max_entries(1).pinned(path.to_str().unwrap()));
    let error = kernel::load(&object.finish().unwrap()).unwrap_err();
    assert!(
        matches!(error, LoadError::Incompatible { attribute: "value_size", found: 4, wanted: 8, .. }),
        "{error}"
    );
}

/// The kernel makes these read-only for programs without being asked.
fn pinned_devmap(bpffs: &Path) {
    for kind in [MapKind::DEVMAP, MapKind::DEVMAP_HASH] {
        let path = bpffs.join(kind.to_string());
        let mut object = builder();
        let spec = MapSpec::new(kind, "devices").key_size(4).value_size(4).max_entries(4);
        object.add_map(spec.pinned(path.to_str().unwrap()));
        let object = object.finish().unwrap();
        let id = load(&object).map("devices").unwrap().id().unwrap();
        assert_eq!(load(&object).map("devices").unwrap().id().unwrap(), id);
    }
}

fn pinned_program(bpffs: &Path) {
    let path = bpffs.join("numbers");
    let program = load(&object_of(ProgramKind::SYSCALL, returns(0)));
    program.program("prog").unwrap().pin(&path).unwrap();
    let error = kernel::load(&counts_in(&path, inner("numbers"))).unwrap_err();
    let text =
        "OBJ_GET_INFO_BY_FD of map numbers: EINVAL (22): invalid argument: what is pinned there is no map";
    assert_eq!(error.to_string(), text);
}
