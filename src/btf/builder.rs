//! Making BTF: types get their numbers in the order in which they are first added.

use super::dedup::Dedup;
use super::error::{BtfError, Place, Rule};
use super::index::hash;
use super::kind::Kind;
use super::layout::StructDef;
use super::records::Records;
use super::types::{
    Array, DataSec, DeclTag, Enum, Enum64, EnumValue, EnumValue64, Func, FuncProto, Fwd, Int, IntEncoding,
    Linkage, Param, StrOff, Type, TypeId, TypeTag, Typedef, Var, VarSecInfo,
};
use super::verify::MAX_SIZE;
use super::view::{Btf, KIND_MASK, VLEN_MASK, View};
use super::{check, decode, encode};
use crate::base::Endian;
use std::borrow::Cow;
use std::sync::Arc;

/// Makes BTF. Types get their numbers in the order in which they are first added, from 1 on.
///
/// A type that is there already is not added again: its number is returned. That holds for types, not for
/// declarations (functions, variables, sections), of which two may look the same. Strings are shared too.
///
/// Every method fails at once if the kernel would refuse the type, naming type, member and rule.
#[derive(Clone, Debug)]
pub struct Builder {
    btf: Btf,
    types: Dedup,
    strings: Dedup,
    /// Declared, not yet defined.
    pending: Vec<TypeId>,
    /// Whether a declared type was defined, so that bytes and numbers are in different orders.
    shuffled: bool,
}

impl Builder {
    /// No types yet.
    #[must_use]
    pub fn new() -> Self {
        Self::start(None, vec![0])
    }

    /// No types yet but those of `base`: what it has is referred to, what is added goes on from its numbers.
    #[must_use]
    pub fn split(base: Arc<Btf>) -> Self {
        Self::start(Some(base), Vec::new())
    }

    fn start(base: Option<Arc<Btf>>, strings: Vec<u8>) -> Self {
        let (types, offsets) = (Cow::Owned(Vec::new()), Cow::Owned(Vec::new()));
        Self {
            btf: View::from_parts(base, Endian::Little, types, Cow::Owned(strings), offsets, decode::HEADER),
            types: Dedup::default(),
            strings: Dedup::default(),
            pending: Vec::new(),
            shuffled: false,
        }
    }

    /// What there is so far. A type that is declared only reads as a forward declaration.
    #[must_use]
    pub const fn view(&self) -> &Btf {
        &self.btf
    }

    /// The BTF, which a kernel takes (see [`View::check`]), unless it has extern declarations.
    ///
    /// # Errors
    /// A type was declared and never defined; there are no types; types together break a rule of the kernel.
    pub fn finish(self) -> Result<Btf, BtfError> {
        let btf = self.finish_functions()?;
        btf.check_whole()?;
        Ok(btf)
    }

    /// The BTF of a builder that finished once before, and to which nothing but functions and strings was added since:
    /// each was checked as it was added, and together with others they break no rule.
    pub(crate) fn finish_functions(mut self) -> Result<Btf, BtfError> {
        if let Some(&id) = self.pending.first() {
            return Err(self.btf.place(id).error(Rule::Undefined));
        }
        if self.shuffled {
            self.sort();
        }
        Ok(self.btf)
    }

    /// Puts the bytes of the types in the order of their numbers.
    fn sort(&mut self) {
        let mut types = Vec::with_capacity(self.btf.types.len());
        let mut offsets = Vec::with_capacity(self.btf.offsets.len());
        for id in self.btf.ids() {
            offsets.push(types.len() as u32);
            types.extend_from_slice(bytes_of(&self.btf, id));
        }
        self.btf.types = Cow::Owned(types);
        self.btf.offsets = Cow::Owned(offsets);
    }

    /// Adds a string: a name, or text that line information refers to. The empty string is always there.
    ///
    /// # Errors
    /// There is a NUL in it, or the string section is full.
    pub fn string(&mut self, text: impl AsRef<[u8]>) -> Result<StrOff, BtfError> {
        self.intern(text.as_ref()).map_err(|rule| Place::default().error(rule))
    }

    fn intern(&mut self, text: &[u8]) -> Result<StrOff, Rule> {
        if text.is_empty() {
            return Ok(StrOff(0));
        }
        if text.contains(&0) {
            return Err(Rule::NulInString);
        }
        let btf = &self.btf;
        let same = |at| btf.name(StrOff(at)).is_some_and(|name| name.as_bytes() == text);
        if let Some(at) = self.strings.find(hash(text), same) {
            return Ok(StrOff(at));
        }
        let at = btf.strings_end();
        if at as usize + text.len() > StrOff::MAX.0 as usize {
            return Err(Rule::StringsTooLong);
        }
        let strings = self.btf.strings.to_mut();
        strings.extend_from_slice(text);
        strings.push(0);
        let btf = &self.btf;
        self.strings.insert(hash(text), at, |at| hash(btf.name(StrOff(at)).unwrap_or_default().as_bytes()));
        Ok(StrOff(at))
    }

    /// Adds a type: one read from another BTF whose numbers mean the same here, or one made by hand.
    ///
    /// # Errors
    /// The kernel would refuse it.
    pub fn add(&mut self, ty: &Type<'_>) -> Result<TypeId, BtfError> {
        check::ty(ty, encode::flag(ty), &self.btf)?;
        let record = self.record(ty)?;
        let declares = matches!(ty, Type::Func(_) | Type::Var(_) | Type::DataSec(_));
        if !declares {
            let btf = &self.btf;
            if let Some(id) = self.types.find(hash(&record), |id| bytes_of(btf, TypeId(id)) == record) {
                return Ok(TypeId(id));
            }
        }
        let id = self.push(&record).map_err(|rule| check::place(ty).error(rule))?;
        if !declares {
            let btf = &self.btf;
            self.types.insert(hash(&record), id.0, |id| hash(bytes_of(btf, TypeId(id))));
        }
        Ok(id)
    }

    fn push(&mut self, record: &[u8]) -> Result<TypeId, Rule> {
        let id = self.btf.end_id();
        if id > TypeId::MAX {
            return Err(Rule::TooManyTypes);
        }
        let at = self.append(record)?;
        self.btf.offsets.to_mut().push(at);
        Ok(id)
    }

    fn append(&mut self, record: &[u8]) -> Result<u32, Rule> {
        let at = self.btf.types.len();
        let size = decode::HEADER + at + record.len() + self.btf.strings.len();
        if size > MAX_SIZE {
            return Err(Rule::TooLong { size });
        }
        self.btf.forget_names();
        self.btf.types.to_mut().extend_from_slice(record);
        Ok(at as u32)
    }

    /// The strings of `btf` at the same offsets, and none of its types: for a copy whose types are put in one by one.
    pub(crate) fn with_strings_of(btf: &Btf) -> Self {
        let mut copy = Self::start(btf.base().cloned(), btf.strings.to_vec());
        let mut at = btf.first_string();
        for text in btf.strings.split(|&byte| byte == 0) {
            let Self { btf, strings, .. } = &mut copy;
            if !text.is_empty() {
                strings
                    .insert(hash(text), at, |at| hash(btf.name(StrOff(at)).unwrap_or_default().as_bytes()));
            }
            at += text.len() as u32 + 1;
        }
        copy
    }

    /// Adds a type with a number of its own, even if there is one like it; what it refers to may come later.
    pub(crate) fn append_type(&mut self, ty: &Type<'_>) -> Result<TypeId, BtfError> {
        let record = self.record(ty)?;
        self.push(&record).map_err(|rule| check::place(ty).error(rule))
    }

    /// Announces a struct (or union) that other types may point to before [`define`](Self::define) says what is
    /// in it: `struct list { struct list *next; }`.
    ///
    /// # Errors
    /// The name is no identifier.
    pub fn declare(&mut self, name: &str, union: bool) -> Result<TypeId, BtfError> {
        let fwd = Fwd { name: name.into(), union };
        let kind = if union { Kind::Union } else { Kind::Struct };
        let place = || Place::new(kind, name);
        check::name(fwd.name, false).map_err(|rule| place().error(rule))?;
        let record = self.record(&Type::Fwd(fwd))?;
        let id = self.push(&record).map_err(|rule| place().error(rule))?;
        self.pending.push(id);
        Ok(id)
    }

    /// Says what is in a declared struct or union. Its name is the declared one.
    ///
    /// # Errors
    /// It was not declared, or is defined already; the kernel would refuse it.
    pub fn define(&mut self, id: TypeId, def: StructDef) -> Result<(), BtfError> {
        let Some(waiting) = self.pending.iter().position(|&pending| pending == id) else {
            return Err(def.place().error(Rule::NotDeclared { id }));
        };
        let (name, union) = match self.btf.get(id)? {
            Type::Fwd(fwd) => (fwd.name.to_string(), fwd.union),
            _ => return Err(def.place().error(Rule::NotDeclared { id })),
        };
        let def = def.named(name, union);
        let record = self.composite(&def)?;
        let at = self.append(&record).map_err(|rule| def.place().error(rule))?;
        let index = id.0 - self.btf.first_id().0;
        if let Some(offset) = self.btf.offsets.to_mut().get_mut(index as usize) {
            *offset = at;
        }
        self.pending.remove(waiting);
        self.shuffled = true;
        Ok(())
    }

    /// Adds a struct or union, laid out as C would.
    ///
    /// # Errors
    /// The kernel would refuse it, or a member has no size.
    pub fn structure(&mut self, def: StructDef) -> Result<TypeId, BtfError> {
        let layout = def.lay_out(&self.btf)?;
        let members = layout.members(&def);
        self.add(&layout.ty(&def, &members))
    }

    fn composite(&mut self, def: &StructDef) -> Result<Vec<u8>, BtfError> {
        let layout = def.lay_out(&self.btf)?;
        let members = layout.members(def);
        let ty = layout.ty(def, &members);
        check::ty(&ty, encode::flag(&ty), &self.btf)?;
        self.record(&ty)
    }

    /// A type as bytes, its strings added.
    fn record(&mut self, ty: &Type<'_>) -> Result<Vec<u8>, BtfError> {
        encode::record(ty, &mut |name| self.intern(name.as_bytes()))
            .map_err(|rule| check::place(ty).error(rule))
    }
}

/// One method for each kind.
impl Builder {
    /// Adds an integer of `size` bytes, all bits used.
    ///
    /// # Errors
    /// More than 16 bytes, or more than one encoding.
    pub fn int(&mut self, name: &str, size: u32, encoding: IntEncoding) -> Result<TypeId, BtfError> {
        let bits = u8::try_from(size.saturating_mul(8)).unwrap_or(u8::MAX);
        self.add(&Type::Int(Int { name: name.into(), size, encoding, bit_offset: 0, bits }))
    }

    /// Adds `target *`.
    ///
    /// # Errors
    /// There is no such type, or it is none that a pointer can point to.
    pub fn ptr(&mut self, target: TypeId) -> Result<TypeId, BtfError> {
        self.add(&Type::Ptr(target))
    }

    /// Adds `element[len]`. The index has the type `int`, which C does not show; use [`add`](Self::add) for
    /// another.
    ///
    /// # Errors
    /// The element has no size, or the whole does not fit 32 bits.
    pub fn array(&mut self, element: TypeId, len: u32) -> Result<TypeId, BtfError> {
        let index = self.int("int", 4, IntEncoding::SIGNED)?;
        self.add(&Type::Array(Array { element, index, len }))
    }

    /// Adds an enumeration of 32-bit values; `signed` tells how they print.
    ///
    /// # Errors
    /// A size other than 1, 2, 4, 8; a name that is no identifier.
    pub fn enumeration(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: &[(&str, i32)],
    ) -> Result<TypeId, BtfError> {
        let values: Vec<_> =
            values.iter().map(|&(name, value)| EnumValue { name: name.into(), value }).collect();
        self.add(&Type::Enum(Enum { name: name.into(), size, signed, values: Records::from(&*values) }))
    }

    /// Adds an enumeration of 64-bit values; `signed` tells how they print.
    ///
    /// # Errors
    /// A size other than 1, 2, 4, 8; a name that is no identifier.
    pub fn enumeration64(
        &mut self,
        name: &str,
        size: u32,
        signed: bool,
        values: &[(&str, u64)],
    ) -> Result<TypeId, BtfError> {
        let values: Vec<_> =
            values.iter().map(|&(name, value)| EnumValue64 { name: name.into(), value }).collect();
        self.add(&Type::Enum64(Enum64 { name: name.into(), size, signed, values: Records::from(&*values) }))
    }

    /// Adds `struct name;` or `union name;`, for pointers to it.
    ///
    /// # Errors
    /// The name is no identifier.
    pub fn fwd(&mut self, name: &str, union: bool) -> Result<TypeId, BtfError> {
        self.add(&Type::Fwd(Fwd { name: name.into(), union }))
    }

    /// Adds `typedef target name`.
    ///
    /// # Errors
    /// The name is no identifier; there is no such type.
    pub fn typedef(&mut self, name: &str, target: TypeId) -> Result<TypeId, BtfError> {
        self.add(&Type::Typedef(Typedef { name: name.into(), target }))
    }

    /// Adds `volatile target`.
    ///
    /// # Errors
    /// There is no such type.
    pub fn volatile(&mut self, target: TypeId) -> Result<TypeId, BtfError> {
        self.add(&Type::Volatile(target))
    }

    /// Adds `const target`.
    ///
    /// # Errors
    /// There is no such type.
    pub fn constant(&mut self, target: TypeId) -> Result<TypeId, BtfError> {
        self.add(&Type::Const(target))
    }

    /// Adds `target restrict`.
    ///
    /// # Errors
    /// There is no such type.
    pub fn restrict(&mut self, target: TypeId) -> Result<TypeId, BtfError> {
        self.add(&Type::Restrict(target))
    }

    /// Adds a function. A callback must be [`Linkage::Static`].
    ///
    /// # Errors
    /// The name is no identifier; the prototype is none, or has parameters without names.
    pub fn func(&mut self, name: &str, proto: TypeId, linkage: Linkage) -> Result<TypeId, BtfError> {
        self.add(&Type::Func(Func { name: name.into(), proto, linkage }))
    }

    /// Adds what a function takes and returns. A last parameter `("", TypeId::VOID)` means `...`.
    ///
    /// # Errors
    /// A type has no size; a name is no identifier.
    pub fn func_proto(&mut self, ret: TypeId, params: &[(&str, TypeId)]) -> Result<TypeId, BtfError> {
        let params: Vec<_> = params.iter().map(|&(name, ty)| Param { name: name.into(), ty }).collect();
        self.add(&Type::FuncProto(FuncProto { ret, params: Records::from(&*params) }))
    }

    /// Adds a global variable.
    ///
    /// # Errors
    /// The name is no identifier; the type has no size.
    pub fn var(&mut self, name: &str, ty: TypeId, linkage: Linkage) -> Result<TypeId, BtfError> {
        self.add(&Type::Var(Var { name: name.into(), ty, linkage }))
    }

    /// Adds a section of variables, in order of their offsets.
    ///
    /// # Errors
    /// Variables overlap or reach beyond the end; the name is not printable.
    pub fn datasec(&mut self, name: &str, size: u32, vars: &[VarSecInfo]) -> Result<TypeId, BtfError> {
        self.add(&Type::DataSec(DataSec { name: name.into(), size, vars: Records::from(vars) }))
    }

    /// Adds a floating-point number.
    ///
    /// # Errors
    /// A size other than 2, 4, 8, 12, 16.
    pub fn float(&mut self, name: &str, size: u32) -> Result<TypeId, BtfError> {
        self.add(&Type::Float { name: name.into(), size })
    }

    /// Adds a tag on a declaration, or on one member or parameter of it.
    ///
    /// # Errors
    /// The tag is empty; the target cannot have tags, or not that component.
    pub fn decl_tag(
        &mut self,
        tag: &str,
        target: TypeId,
        component: Option<u32>,
    ) -> Result<TypeId, BtfError> {
        self.add(&Type::DeclTag(DeclTag { name: tag.into(), target, component, attribute: false }))
    }

    /// Adds a tag on a type: `kptr` on what a pointer points to.
    ///
    /// # Errors
    /// The tag is empty; there is no such type.
    pub fn type_tag(&mut self, tag: &str, target: TypeId) -> Result<TypeId, BtfError> {
        self.add(&Type::TypeTag(TypeTag { name: tag.into(), target, attribute: false }))
    }
}

/// The bytes of a type that the view itself holds.
fn bytes_of(btf: &Btf, id: TypeId) -> &[u8] {
    let Some(at) = id.0.checked_sub(btf.first_id().0).and_then(|index| btf.offsets.get(index as usize))
    else {
        return &[];
    };
    let at = *at as usize;
    let info = btf.word(&btf.types, at + 4);
    let kind = Kind::from_number((info >> 24) as u8 & KIND_MASK);
    let length = kind.map_or(0, |kind| decode::length(kind, info & VLEN_MASK));
    btf.types.get(at..at + length).unwrap_or_default()
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

/// Goes on where finished or decoded BTF ends. What it has is found again, not added twice.
impl From<Btf> for Builder {
    fn from(btf: Btf) -> Self {
        let types = encode::types(&btf, Endian::Little);
        let Btf { base, strings, offsets, .. } = btf;
        let btf = View::from_parts(base, Endian::Little, Cow::Owned(types), strings, offsets, decode::HEADER);
        let mut builder = Self { btf, ..Self::start(None, Vec::new()) };
        builder.remember_strings();
        builder.remember_types();
        builder
    }
}

impl Builder {
    fn remember_strings(&mut self) {
        let btf = &self.btf;
        let text = |at| btf.name(StrOff(at)).unwrap_or_default().as_bytes();
        let mut at = btf.first_string();
        for string in btf.strings.split(|&byte| byte == 0) {
            if !string.is_empty() && self.strings.find(hash(string), |other| text(other) == string).is_none()
            {
                self.strings.insert(hash(string), at, |other| hash(text(other)));
            }
            at += string.len() as u32 + 1;
        }
    }

    fn remember_types(&mut self) {
        let btf = &self.btf;
        for id in btf.ids() {
            let bytes = bytes_of(btf, id);
            let declares = matches!(btf.kind_of(id), Some(Kind::Func | Kind::Var | Kind::DataSec));
            if !declares
                && self.types.find(hash(bytes), |other| bytes_of(btf, TypeId(other)) == bytes).is_none()
            {
                self.types.insert(hash(bytes), id.0, |other| hash(bytes_of(btf, TypeId(other))));
            }
        }
    }
}
