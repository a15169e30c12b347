//! Every operator, comparison and conversion of every type, through the layer with Rust types.

use bpfsmith::dsl::dynamic::{Binary, Comparison, ScalarType};
use bpfsmith::dsl::{Func, Place, Scalar, Syscall, Value};
use bpfsmith::object::ObjectBuilder;

use crate::evaluate::{binary, compare, wrap};
use crate::generate::Random;
use crate::run::{On, Runner};
use crate::tree::INTEGERS;

/// Two numbers that come in, then one for each result.
const CONTEXT: usize = 64;
type Numbers = [u64; CONTEXT];

const OPERATORS: [Binary; 10] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::Div,
    Binary::Rem,
    Binary::And,
    Binary::Or,
    Binary::Xor,
    Binary::Shl,
    Binary::Shr,
];

const COMPARISONS: [Comparison; 6] =
    [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le, Comparison::Gt, Comparison::Ge];

macro_rules! family {
    ($($ty:ident)*) => {
        fn object() -> ObjectBuilder {
            let mut object = ObjectBuilder::new("typed").license("GPL");
            $(
                object.program(stringify!($ty), Syscall::SYSCALL, |f, context| {
                    let context = context.args::<Numbers>();
                    let [a, b] = [0, 1].map(|index| context.at(index).get().to::<$ty>());
                    let mut out = Out { f, context, next: 2 };
                    for result in [a + b, a - b, a * b, a / b, a % b, a & b, a | b, a ^ b, a << b, a >> b] {
                        out.number(result.to::<u64>());
                    }
                    out.number((-a).to::<u64>());
                    out.number((!a).to::<u64>());
                    for truth in [a.eq(b), a.ne(b), a.lt(b), a.le(b), a.gt(b), a.ge(b), a.any_bits(b)] {
                        out.number(truth.value().typed::<bool>().to::<u64>());
                    }
                    out.converted(a.to::<u8>());
                    out.converted(a.to::<u16>());
                    out.converted(a.to::<u32>());
                    out.converted(a.to::<u64>());
                    out.converted(a.to::<i8>());
                    out.converted(a.to::<i16>());
                    out.converted(a.to::<i32>());
                    out.converted(a.to::<i64>());
                    // Numbers that are known now, on each side.
                    out.number((a + 3).to::<u64>());
                    out.number((3 - a).to::<u64>());
                    out.number((a * 10).to::<u64>());
                    out.number((a / 7).to::<u64>());
                    out.number((100 / a).to::<u64>());
                    out.number((a % 8).to::<u64>());
                    out.number((100 % a).to::<u64>());
                    out.number((a << 5).to::<u64>());
                    out.number((a >> 5).to::<u64>());
                    out.number((1 << a).to::<u64>());
                    // The same through a variable, an if, and a place on the stack.
                    let larger = f.var(a);
                    f.if_(b.gt(larger), || larger.set(b));
                    out.number(larger.get().to::<u64>());
                    out.number(f.if_else(a.lt(b), || a, || b).to::<u64>());
                    let place = f.local::<$ty>(a);
                    place.set(place.get() + b);
                    out.number(place.get().to::<u64>());
                    f.return_(0)
                });
            )*
            object
        }
    };
}

family! { u8 u16 u32 u64 i8 i16 i32 i64 }

/// Writes one result after the other.
struct Out<'f> {
    f: Func<'f, i32>,
    context: Place<'f, Numbers>,
    next: usize,
}

impl<'f> Out<'f> {
    fn number(&mut self, value: Value<'f, u64>) {
        self.context.at(self.next).set(value);
        self.next += 1;
    }

    fn converted<T: Scalar + bpfsmith::dsl::Number>(&mut self, value: Value<'f, T>) {
        let through = self.f.var(value);
        self.number(through.get().to::<u64>());
    }
}

/// What a program of the family should write.
fn expected(ty: ScalarType, context: &[u64]) -> Vec<u64> {
    let [a, b] = [0, 1].map(|index| wrap(ty, i128::from(context[index])));
    let mut results: Vec<i128> = OPERATORS.iter().map(|&op| binary(ty, op, a, b)).collect();
    results.extend([wrap(ty, -a), wrap(ty, !a)]);
    results.extend(COMPARISONS.iter().map(|&op| i128::from(compare(op, a, b))));
    results.push(i128::from(a & b != 0));
    results.extend(INTEGERS.iter().map(|&to| wrap(to, a)));
    let known = [
        (Binary::Add, a, 3),
        (Binary::Sub, 3, a),
        (Binary::Mul, a, 10),
        (Binary::Div, a, 7),
        (Binary::Div, 100, a),
        (Binary::Rem, a, 8),
        (Binary::Rem, 100, a),
        (Binary::Shl, a, 5),
        (Binary::Shr, a, 5),
        (Binary::Shl, 1, a),
    ];
    results.extend(known.map(|(op, a, b)| binary(ty, op, a, b)));
    results.extend([a.max(b), a.min(b), binary(ty, Binary::Add, a, b)]);
    results.into_iter().map(|number| wrap(ScalarType::U64, number) as u64).collect()
}

/// Each program of the family, on numbers at the edges and others.
pub fn operators(on: On) {
    let object = object().finish().unwrap();
    let mut runner = Runner::new(on, &object).unwrap();
    let mut random = Random::new(1);
    for ty in INTEGERS {
        for _ in 0..200 {
            let mut context = vec![0; CONTEXT];
            context[0] = random.number();
            context[1] = random.number();
            let found = runner.run(&ty.to_string(), &context).unwrap();
            let expected = expected(ty, &context);
            let found = &found.context[2..2 + expected.len()];
            assert_eq!(found, expected, "{ty}: {:#x}, {:#x}", context[0], context[1]);
        }
    }
}
