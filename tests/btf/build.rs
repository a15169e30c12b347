//! What the builder makes, byte for byte.

use bpfsmith::base::Endian;
use bpfsmith::btf::{Builder, IntEncoding, Linkage, StructDef, TypeId, View};

/// The smallest BTF with which a kernel takes a timer; loaded into Linux 6.18.
const GOLDEN: &str = "9feb0100180000000000000058000000580000001d000000010000000000000104000000200000010500000000000004\
    100000000f0000000100000410000000130000000200000000000000000000000000000d01000000150000000100000c040000001a000000\
    0000000c0400000000696e74006270665f74696d65720076616c0074006d61696e00636200";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_smallest_timer_btf() {
    let mut b = Builder::new();
    let int = b.int("int", 4, IntEncoding::SIGNED).unwrap();
    let timer = b.structure(StructDef::new("bpf_timer").size(16)).unwrap();
    b.structure(StructDef::new("val").member_at("t", timer, 0)).unwrap();
    let proto = b.func_proto(int, &[]).unwrap();
    b.func("main", proto, Linkage::Global).unwrap();
    b.func("cb", proto, Linkage::Static).unwrap();
    let btf = b.finish().unwrap();
    assert_eq!(hex(&btf.encode(Endian::Little)), GOLDEN);
    let big = btf.encode(Endian::Big);
    let view = View::new(&big).unwrap();
    assert_eq!(view, btf);
    assert_eq!(view.encode(Endian::Big), big);
    assert_eq!(hex(&view.encode(Endian::Little)), GOLDEN);
    assert_eq!(btf.size_of(TypeId(3)).unwrap(), 16);
}
