//! What must hold of an object before any door takes it: names resolve, maps are ones the kernel makes.

use super::{FunctionDef, Object, ObjectError, by_c_name, calls};
use crate::asm::{BtfScope, Code, Reloc, RelocKind};
use crate::btf::special::{self, SpecialField};
use crate::btf::{self, Btf, Int, Linkage, Type, TypeId};
use crate::map::{BtfRule, Entry, EntryValue, MapDef, MapFlags, MapKind};
use crate::program::ProgramDef;
use crate::site::Site;

/// Checks everything, and fills in what follows from the types: sizes and special fields of maps.
pub(super) fn check(object: &mut Object) -> Result<(), ObjectError> {
    license(object)?;
    let btf = object.types.0.view();
    object.maps.iter_mut().try_for_each(|map| complete_map(map, btf))?;
    object.maps.iter().try_for_each(|map| entries(object, map))?;
    object.programs.iter().try_for_each(|program| name("program", &program.name, &program.site))?;
    object.programs.iter().try_for_each(attach_target)?;
    object.functions.iter().try_for_each(|function| body(object, function))?;
    calls::check(object)
}

fn attach_target(program: &ProgramDef) -> Result<(), ObjectError> {
    if program.kind.needs_attach_btf_id() && program.target.is_none() {
        let (program, kind, site) = (program.name.clone(), program.kind, program.site.clone());
        return Err(ObjectError::NoAttachTarget { program, kind, site });
    }
    Ok(())
}

fn license(object: &Object) -> Result<(), ObjectError> {
    // The kernel copies 128 bytes, the last of which must be the NUL (kernel/bpf/syscall.c).
    const LONGEST: usize = 127;
    let rule = match &object.license {
        license if license.contains('\0') => "it must not hold a NUL",
        license if license.len() > LONGEST => "it must not be longer than 127 bytes",
        _ => return Ok(()),
    };
    let name = object.license.escape_debug().to_string();
    Err(ObjectError::Name { what: "licence", name, rule, site: Site::unknown() })
}

fn name(what: &'static str, name: &str, site: &Site) -> Result<(), ObjectError> {
    let rule = if name.is_empty() {
        "it must not be empty"
    } else if name.contains('\0') {
        "it must not hold a NUL"
    } else {
        return Ok(());
    };
    Err(ObjectError::Name { what, name: name.escape_debug().to_string(), rule, site: site.clone() })
}

fn complete_map(map: &mut MapDef, btf: &Btf) -> Result<(), ObjectError> {
    name("map", &map.name, &map.site)?;
    map.key_size = part_size(map, btf, map.key, map.key_size)?;
    map.value_size = part_size(map, btf, map.value, map.value_size)?;
    if map.numa_node.is_some() {
        map.flags |= MapFlags::NUMA_NODE;
    }
    shape(map)?;
    map.fields = fields(map, btf)?;
    drop_refused_btf(map);
    types(map, btf)?;
    map.inner.as_mut().map_or(Ok(()), |inner| complete_map(inner, btf))
}

fn part_size(map: &MapDef, btf: &Btf, id: TypeId, given: u32) -> Result<u32, ObjectError> {
    if id == TypeId::VOID {
        return Ok(given);
    }
    btf.size_of(id).map_err(|source| ObjectError::Btf { source: source.into(), site: map.site.clone() })
}

/// Kinds that take no BTF (EINVAL otherwise) go without it. No field is lost: a value that has one was refused before.
fn drop_refused_btf(map: &mut MapDef) {
    if matches!(map.kind.btf(), BtfRule::Refused) {
        (map.key, map.value) = (TypeId::VOID, TypeId::VOID);
    }
    if map.value == TypeId::VOID && !map.kind.has_own_values() {
        map.key = TypeId::VOID;
    }
}

/// The smallest page of any machine the kernel runs on: larger ones are the planner's and the kernel's to check.
const SMALLEST_PAGE: u32 = 4096;

fn shape(map: &MapDef) -> Result<(), ObjectError> {
    sizes(map)?;
    flags(map)?;
    if map.kind.has_inner() != map.inner.is_some() {
        let (given, rule) = match map.inner {
            Some(_) => ("given", "it for maps of maps only"),
            None => ("missing", "a map of maps with a template only"),
        };
        return Err(map_shape(map, "inner_map_fd", given.to_owned(), rule.to_owned()));
    }
    Ok(())
}

/// What each kind asks of the types of key and value (`map_check_btf` of the kinds), and the kernel of all of them.
fn types(map: &MapDef, btf: &Btf) -> Result<(), ObjectError> {
    let what = match (map.kind.btf(), map.key.is_void(), map.value.is_void()) {
        (BtfRule::Required, true, _) | (BtfRule::Required, _, true) => {
            "the kernel wants BTF of both key and value (EINVAL)"
        }
        (_, true, true) => return Ok(()),
        (_, false, true) => "the key has BTF and the value has none, which the kernel refuses (EINVAL)",
        (BtfRule::ValueOnly, false, false) => "the value may have BTF, the key may not (EINVAL)",
        (BtfRule::ValueOnly, true, false) => return Ok(()),
        (BtfRule::ArrayKey, true, false) if is_section(map, btf) => return Ok(()),
        (_, true, false) => "the value has BTF and the key has none, which the kernel refuses (EINVAL)",
        (BtfRule::ArrayKey | BtfRule::Required, false, false) if !is_i32(btf, map.key) => {
            "the type of the key has to be an integer of 32 bits (EINVAL)"
        }
        (BtfRule::StructKey, false, false) if !is_struct(btf, map.key) => {
            "the type of the key has to be a struct (EINVAL)"
        }
        _ => return Ok(()),
    };
    Err(ObjectError::MapBtf { map: map.name.clone(), kind: map.kind, what, site: map.site.clone() })
}

/// Global variables: one value, described by a DATASEC.
fn is_section(map: &MapDef, btf: &Btf) -> bool {
    map.max_entries == 1 && matches!(btf.resolve(map.value), Ok((_, Type::DataSec(_))))
}

fn is_i32(btf: &Btf, id: TypeId) -> bool {
    matches!(btf.resolve(id), Ok((_, Type::Int(Int { bits: 32, bit_offset: 0, size: 4, .. }))))
}

fn is_struct(btf: &Btf, id: TypeId) -> bool {
    matches!(btf.resolve(id), Ok((_, Type::Struct(_))))
}

fn sizes(map: &MapDef) -> Result<(), ObjectError> {
    let MapDef { kind, key_size, value_size, max_entries, .. } = *map;
    let wrong = |attribute, given: u32, rule: String| Err(map_shape(map, attribute, given.to_string(), rule));
    if !kind.key_size().allows(key_size) {
        return wrong("key_size", key_size, kind.key_size().to_string());
    }
    let rule = kind.value_size_with(map.flags);
    if !rule.allows(value_size) {
        return wrong("value_size", value_size, rule.to_string());
    }
    let planned = max_entries == 0 && kind == MapKind::PERF_EVENT_ARRAY;
    if !planned && !kind.max_entries().allows(max_entries, SMALLEST_PAGE) {
        return wrong("max_entries", max_entries, kind.max_entries().to_string());
    }
    Ok(())
}

fn flags(map: &MapDef) -> Result<(), ObjectError> {
    let unknown = map.flags.difference(map.kind.flags());
    let missing = map.kind.required_flags().difference(map.flags);
    let rule = if !unknown.is_empty() {
        format!("them without {unknown}")
    } else if !missing.is_empty() {
        format!("them with {missing}")
    } else if map.flags.contradict() {
        "them either read only or write only".to_owned()
    } else {
        return Ok(());
    };
    Err(map_shape(map, "map_flags", map.flags.to_string(), rule))
}

fn map_shape(map: &MapDef, attribute: &'static str, given: String, rule: String) -> ObjectError {
    ObjectError::MapShape {
        map: map.name.clone(),
        kind: map.kind,
        attribute,
        given,
        rule,
        site: map.site.clone(),
    }
}

fn fields(map: &MapDef, btf: &Btf) -> Result<Vec<SpecialField>, ObjectError> {
    if map.value == TypeId::VOID {
        return Ok(Vec::new());
    }
    let (name, site) = (map.name.clone(), map.site.clone());
    let fields = special::scan(btf, map.value).map_err(|source| ObjectError::Field {
        map: name.clone(),
        source: source.into(),
        site: site.clone(),
    })?;
    let in_the_way = map.flags & (MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG);
    for field in &fields {
        let (map_name, path, offset, kind) = (name.clone(), field.path.clone(), field.offset, map.kind);
        if !map.kind.special().contains(field.kind.set()) {
            return Err(ObjectError::FieldKind {
                map: map_name,
                kind,
                field: field.kind,
                path,
                offset,
                site,
            });
        }
        if !in_the_way.is_empty() {
            let flags = in_the_way;
            return Err(ObjectError::FieldFlags {
                map: map_name,
                flags,
                field: field.kind,
                path,
                offset,
                site,
            });
        }
    }
    Ok(fields)
}

fn entries(object: &Object, map: &MapDef) -> Result<(), ObjectError> {
    for (index, entry) in map.entries.iter().enumerate() {
        if let Some(what) = entry_mistake(object, map, entry) {
            return Err(ObjectError::Entry { map: map.name.clone(), index, what, site: map.site.clone() });
        }
    }
    Ok(())
}

fn entry_mistake(object: &Object, map: &MapDef, Entry { key, value }: &Entry) -> Option<String> {
    if key.len() != map.key_size as usize {
        return Some(format!("its key has {} bytes, the map's keys have {}", key.len(), map.key_size));
    }
    match value {
        EntryValue::Bytes(bytes) if bytes.len() != map.value_size as usize => {
            Some(format!("its value has {} bytes, the map's values have {}", bytes.len(), map.value_size))
        }
        EntryValue::Map(inner) if object.map(inner).is_none() => {
            Some(format!("map `{inner}` is not defined"))
        }
        EntryValue::Program(program) if object.program(program).is_none() => {
            Some(format!("program `{program}` is not defined"))
        }
        _ => None,
    }
}

fn body(object: &Object, function: &FunctionDef) -> Result<(), ObjectError> {
    let site = || function.site.clone();
    btf::function_name(&function.name)
        .map_err(|source| ObjectError::Btf { source: source.into(), site: site() })?;
    let code = &function.code;
    if code.is_empty() {
        let site = function.site.clone();
        return Err(ObjectError::Body { function: function.name.clone(), what: "has no instructions", site });
    }
    code.relocs().iter().try_for_each(|reloc| resolve(object, function, code, reloc))
}

fn resolve(object: &Object, function: &FunctionDef, code: &Code, reloc: &Reloc) -> Result<(), ObjectError> {
    let symbol = code.symbol(reloc.symbol);
    let site = || Site::from(code.loc(reloc.slot as usize));
    let name = || function.name.clone();
    match reloc.kind {
        RelocKind::Map | RelocKind::MapValue { .. } => {
            let missing =
                || ObjectError::UnknownMap { function: name(), map: symbol.to_owned(), site: site() };
            let map = object.map(symbol).ok_or_else(missing)?;
            direct_value(map, reloc.kind, name, site)
        }
        RelocKind::CallFunction | RelocKind::LoadFunction => {
            let callee = symbol.to_owned();
            let Some(used) = object.function(symbol) else {
                return Err(ObjectError::UnknownFunction { function: name(), callee, site: site() });
            };
            if reloc.kind == RelocKind::CallFunction || used.linkage == Linkage::Static {
                Ok(())
            } else if object.program(symbol).is_some_and(|program| program.entry == symbol) {
                Err(ObjectError::EntryUsedAsFunction { function: name(), callee, site: site() })
            } else {
                Err(ObjectError::GlobalCallback { function: name(), callee, site: site() })
            }
        }
        RelocKind::BtfId(BtfScope::Program) if by_c_name(object.btf(), symbol).is_none() => {
            Err(ObjectError::UnknownType { function: name(), name: symbol.to_owned(), site: site() })
        }
        _ => Ok(()),
    }
}

fn direct_value(
    map: &MapDef,
    kind: RelocKind,
    function: impl Fn() -> String,
    site: impl Fn() -> Site,
) -> Result<(), ObjectError> {
    let RelocKind::MapValue { offset } = kind else { return Ok(()) };
    if !map.kind.has_direct_value() || map.kind == MapKind::ARRAY && map.max_entries != 1 {
        let (map, kind) = (map.name.clone(), map.kind);
        return Err(ObjectError::NoDirectValue { function: function(), map, kind, site: site() });
    }
    // The kernel keeps an address for each element of an instruction array.
    const ADDRESS: u64 = 8;
    let size = match map.kind {
        MapKind::INSN_ARRAY => ADDRESS * u64::from(map.max_entries),
        _ => u64::from(map.value_size),
    };
    if size != 0 && u64::from(offset) >= size {
        return Err(ObjectError::ValueOffset {
            function: function(),
            map: map.name.clone(),
            offset,
            size,
            site: site(),
        });
    }
    Ok(())
}
