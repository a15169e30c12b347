//! Bytes as a person reads them: values in C's notation, by their type.

use std::fmt::Write;

use super::error::{BtfError, Rule};
use super::size::MAX_DEPTH;
use super::types::{Array, Composite, DataSec, Int, IntEncoding, Name, Type, TypeId};
use super::view::View;
use crate::base::Endian;

impl View<'_> {
    /// A value of a type as a C initialiser with names: `{.hits = 3, .state = OPEN, .name = "lo"}`. What there are no bytes
    /// for is shown as `?`; structs and arrays stop where the bytes stop.
    ///
    /// ```
    /// use bpfsmith::BtfType;
    /// use bpfsmith::base::Endian;
    /// use bpfsmith::btf::Builder;
    ///
    /// #[derive(BtfType)]
    /// #[repr(C)]
    /// struct Pair {
    ///     left: u32,
    ///     right: [i16; 2],
    /// }
    ///
    /// let mut builder = Builder::new();
    /// let id = Pair::btf(&mut builder)?;
    /// let bytes = Pair { left: 7, right: [-1, 2] }.to_bytes(Endian::Little);
    /// assert_eq!(builder.finish()?.show(id, &bytes, Endian::Little)?, "{.left = 7, .right = {-1, 2}}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The type does not exist, or is too deep.
    pub fn show(&self, id: TypeId, bytes: &[u8], endian: Endian) -> Result<String, BtfError> {
        let mut shower = Shower { btf: self, endian, out: String::new(), depth: 0 };
        shower.value(id, bytes)?;
        Ok(shower.out)
    }
}

struct Shower<'a> {
    btf: &'a View<'a>,
    endian: Endian,
    out: String,
    depth: usize,
}

impl Shower<'_> {
    fn value(&mut self, id: TypeId, bytes: &[u8]) -> Result<(), BtfError> {
        if self.depth == MAX_DEPTH {
            return Err(self.btf.place(id).error(Rule::TooDeep));
        }
        self.depth += 1;
        let ty = self.btf.get(id).map_err(|_| self.btf.place(id).error(Rule::TooDeep))?;
        let ty = ty.modified().map_or(Ok((id, ty)), |_| self.btf.resolve(id))?.1;
        match ty {
            Type::Struct(def) => self.composite(&def, bytes)?,
            Type::Union(def) => self.composite(&def, bytes)?,
            Type::Array(def) => self.array(def, bytes)?,
            Type::DataSec(def) => self.section(&def, bytes)?,
            Type::Var(def) => self.value(def.ty, bytes)?,
            other => self.scalar(&other, bytes),
        }
        self.depth -= 1;
        Ok(())
    }

    fn composite(&mut self, def: &Composite<'_>, bytes: &[u8]) -> Result<(), BtfError> {
        self.out.push('{');
        for (index, member) in def.members.iter().enumerate() {
            self.separate(index);
            self.name(member.name);
            match member.byte_offset().filter(|_| member.bits == 0) {
                Some(offset) => self.value(member.ty, bytes.get(offset as usize..).unwrap_or_default())?,
                None => self.bit_field(member.ty, member.bit_offset, member.bits, bytes)?,
            }
        }
        self.out.push('}');
        Ok(())
    }

    fn section(&mut self, def: &DataSec<'_>, bytes: &[u8]) -> Result<(), BtfError> {
        self.out.push('{');
        for (index, place) in def.vars.iter().enumerate() {
            self.separate(index);
            if let Ok(Type::Var(var)) = self.btf.get(place.var) {
                self.name(var.name);
            }
            let end = place.offset.saturating_add(place.size) as usize;
            self.value(place.var, bytes.get(place.offset as usize..end).unwrap_or_default())?;
        }
        self.out.push('}');
        Ok(())
    }

    fn array(&mut self, def: Array, bytes: &[u8]) -> Result<(), BtfError> {
        let size = self.btf.size_of(def.element)? as usize;
        let len = (def.len as usize).saturating_mul(size).min(bytes.len());
        let bytes = &bytes[..len];
        if self.is_text(def.element, bytes) {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            let _ = write!(self.out, "\"{}\"", text.escape_ascii());
            return Ok(());
        }
        self.out.push('{');
        for (index, element) in bytes.chunks(size.max(1)).enumerate() {
            self.separate(index);
            self.value(def.element, element)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// Characters, and after the first NUL nothing else.
    fn is_text(&self, element: TypeId, bytes: &[u8]) -> bool {
        let Ok((_, Type::Int(Int { size: 1, name, encoding, .. }))) = self.btf.resolve(element) else {
            return false;
        };
        let character = name == "char" || encoding.contains(IntEncoding::CHAR);
        let text = bytes.iter().take_while(|byte| **byte != 0).count();
        character && text > 0 && bytes[text..].iter().all(|byte| *byte == 0)
    }

    fn scalar(&mut self, ty: &Type<'_>, bytes: &[u8]) {
        let size = match ty {
            Type::Int(def) => def.size,
            Type::Enum(def) => def.size,
            Type::Enum64(def) => def.size,
            Type::Float { size, .. } => *size,
            Type::Ptr(_) => super::size::POINTER,
            _ => 0,
        } as usize;
        match bytes.get(..size).filter(|_| (1..=16).contains(&size)) {
            Some(bytes) => {
                let number = number(bytes, self.endian);
                self.number(ty, number, size as u32 * 8);
            }
            None => self.out.push('?'),
        }
    }

    /// Bits of the bytes around them.
    fn bit_field(&mut self, id: TypeId, offset: u32, bits: u8, bytes: &[u8]) -> Result<(), BtfError> {
        let ty = self.btf.resolve(id)?.1;
        let bits = if bits == 0 { 8 * self.btf.size_of(id)? } else { bits.into() };
        let (first, last) = (offset as usize / 8, (offset + bits).div_ceil(8) as usize);
        match bytes.get(first..last).filter(|bytes| bytes.len() <= 16) {
            Some(bytes) => {
                let behind = last as u32 * 8 - offset - bits;
                let shift = if self.endian == Endian::Little { offset % 8 } else { behind };
                let mask = u128::MAX >> (128 - bits.clamp(1, 128));
                self.number(&ty, number(bytes, self.endian) >> shift & mask, bits);
            }
            None => self.out.push('?'),
        }
        Ok(())
    }

    fn number(&mut self, ty: &Type<'_>, number: u128, bits: u32) {
        let named = match ty {
            Type::Enum(def) => {
                let same = |value: i32| u128::from(value.cast_unsigned()) == number & u128::from(u32::MAX);
                def.values.iter().find(|known| same(known.value)).map(|known| known.name.to_string())
            }
            Type::Enum64(def) => {
                let known = def.values.iter().find(|known| u128::from(known.value) == number);
                known.map(|known| known.name.to_string())
            }
            _ => None,
        };
        let text = named.unwrap_or_else(|| plain(ty, number, bits));
        self.out.push_str(&text);
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push_str(", ");
        }
    }

    fn name(&mut self, name: Name<'_>) {
        if !name.is_empty() {
            let _ = write!(self.out, ".{name} = ");
        }
    }
}

/// A number that has no name.
fn plain(ty: &Type<'_>, number: u128, bits: u32) -> String {
    let shift = 128 - bits.clamp(1, 128);
    let signed = (number << shift).cast_signed() >> shift;
    match ty {
        Type::Int(def) if def.encoding.contains(IntEncoding::BOOL) && number < 2 => (number == 1).to_string(),
        Type::Int(def) if def.encoding.contains(IntEncoding::SIGNED) => signed.to_string(),
        Type::Enum(def) if def.signed => signed.to_string(),
        Type::Enum64(def) if def.signed => signed.to_string(),
        Type::Float { size: 4, .. } => f32::from_bits(number as u32).to_string(),
        Type::Float { size: 8, .. } => f64::from_bits(number as u64).to_string(),
        Type::Ptr(_) => format!("{number:#x}"),
        _ => number.to_string(),
    }
}

fn number(bytes: &[u8], endian: Endian) -> u128 {
    let join = |number: u128, byte: &u8| number << 8 | u128::from(*byte);
    match endian {
        Endian::Little => bytes.iter().rev().fold(0, join),
        Endian::Big => bytes.iter().fold(0, join),
    }
}
