//! What the builder builds, as text.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::panic::Location;

use super::{Addr, Base};
use super::{At, Block, Builder, Compare, Flaw, Function, Memory, Op, Operand, Val, Variable, verify};
use crate::asm::{AluOp, Cond, Size, Width};

fn at() -> At {
    Location::caller()
}

fn add(b: &mut Builder, x: Operand, y: impl Into<Operand>) -> Operand {
    let op = Op::Alu { op: AluOp::Add, width: Width::Bits64, a: x, b: y.into() };
    b.push(op, at()).unwrap().into()
}

fn branch(b: &mut Builder, x: Operand, y: impl Into<Operand>, then: Block, otherwise: Block) {
    let compare = Compare { cond: Cond::Lt, width: Width::Bits64, a: x, b: y.into() };
    b.branch(compare, then, otherwise, at());
}

/// Jumps to a block that nothing else jumps to, and goes on there.
fn enter(b: &mut Builder, block: Block) {
    b.seal(block);
    b.switch_to(block);
}

/// `if x < limit { then }`, and on behind it.
fn if_less(b: &mut Builder, x: Operand, limit: i64, then: impl FnOnce(&mut Builder)) {
    let (inside, behind) = (b.block(), b.block());
    branch(b, x, limit, inside, behind);
    enter(b, inside);
    then(b);
    b.jump(behind, at());
    enter(b, behind);
}

/// `while variable < limit { body }`.
fn while_less(b: &mut Builder, variable: Variable, limit: i64, body: impl FnOnce(&mut Builder)) {
    let (head, inside, behind) = (b.block(), b.block(), b.block());
    b.jump(head, at());
    b.switch_to(head);
    let x = b.get(variable);
    branch(b, x, limit, inside, behind);
    enter(b, inside);
    body(b);
    b.jump(head, at());
    b.seal(head);
    enter(b, behind);
}

fn variable(b: &mut Builder, value: impl Into<Operand>) -> Variable {
    let variable = b.variable();
    b.set(variable, value.into());
    variable
}

fn finished(b: Builder) -> Function {
    let function = b.finish();
    assert_eq!(verify(&function), Ok(()), "\n{function}");
    function
}

#[track_caller]
fn is(b: Builder, text: &str) {
    let trim = |text: &str| {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(trim(&finished(b).to_string()), trim(text));
}

#[test]
fn straight() {
    let mut b = Builder::new("f", 1);
    let context = b.param(0);
    let load =
        Op::Load { size: Size::W, addr: Addr { base: Base::Val(context), off: 4 }, memory: Memory::Context };
    let loaded = b.push(load, at()).unwrap();
    let x = variable(&mut b, loaded);
    let (before, one) = (b.get(x), Operand::Imm(1));
    let sum = add(&mut b, before, one);
    b.set(x, sum);
    let x = b.get(x);
    b.ret(x, at());
    is(b, "function f(v0)\nb0:\nv1 = load w [v0 + 4] context\nv2 = add64 v1, 1\nreturn v2");
}

#[test]
fn two_values_meet() {
    let mut b = Builder::new("f", 1);
    let param = b.param(0).into();
    let (x, same) = (variable(&mut b, 1), variable(&mut b, 7));
    if_less(&mut b, param, 5, |b| {
        let sum = add(b, param, 2);
        b.set(x, sum);
    });
    assert_eq!(b.get(same), Operand::Imm(7), "a constant stays one");
    let x = b.get(x);
    b.ret(x, at());
    is(
        b,
        "function f(v0)
         b0:
           if lt64 v0, 5 then b1 else b2(1)
         b1:
           v1 = add64 v0, 2
           jump b2(v1)
         b2(v3):
           return v3",
    );
}

#[test]
fn loops_change_only_what_they_set() {
    let mut b = Builder::new("f", 1);
    let param = b.param(0).into();
    let (i, kept, sum) = (variable(&mut b, 0), variable(&mut b, param), variable(&mut b, 0));
    while_less(&mut b, i, 10, |b| {
        let j = variable(b, 0);
        while_less(b, j, 3, |b| {
            let (old, by) = (b.get(sum), b.get(kept));
            let new = add(b, old, by);
            b.set(sum, new);
            let (old, one) = (b.get(j), Operand::Imm(1));
            let new = add(b, old, one);
            b.set(j, new);
        });
        let (old, one) = (b.get(i), Operand::Imm(1));
        let new = add(b, old, one);
        b.set(i, new);
    });
    assert_eq!(b.get(kept), param, "known as soon as the loop is sealed");
    let sum = b.get(sum);
    b.ret(sum, at());
    is(
        b,
        "function f(v0)
         b0:
           jump b1(0, 0)
         b1(v1, v8):
           if lt64 v1, 10 then b2 else b3
         b2:
           jump b4(0, v8)
         b3:
           return v8
         b4(v2, v3):
           if lt64 v2, 3 then b5 else b6
         b5:
           v5 = add64 v3, v0
           v6 = add64 v2, 1
           jump b4(v6, v5)
         b6:
           v10 = add64 v1, 1
           jump b1(v10, v3)",
    );
}

#[test]
fn behind_a_return_nothing_is_recorded() {
    let mut b = Builder::new("f", 1);
    let param = b.param(0).into();
    let (x, join) = (variable(&mut b, 1), b.block());
    let inside = b.block();
    branch(&mut b, param, 5, inside, join);
    enter(&mut b, inside);
    b.ret(Operand::Imm(0), at());
    assert_eq!(b.current(), None);
    b.set(x, Operand::Imm(2));
    assert_eq!(b.get(x), Operand::Imm(0));
    // A whole loop of it.
    while_less(&mut b, x, 10, |b| {
        let sum = add(b, param, 1);
        b.set(x, sum);
    });
    b.jump(join, at());
    enter(&mut b, join);
    let x = b.get(x);
    assert_eq!(x, Operand::Imm(1));
    b.ret(x, at());
    is(b, "function f(v0)\nb0:\nif lt64 v0, 5 then b2 else b1\nb1:\nreturn 1\nb2:\nreturn 0");
}

#[test]
fn a_switch_hands_each_case_its_own() {
    let mut b = Builder::new("f", 1);
    let param = b.param(0).into();
    let (x, blocks) = (variable(&mut b, 0), [b.block(), b.block(), b.block()]);
    let [one, two, join] = blocks;
    b.switch(Width::Bits32, param, &[(1, one), (2, two), (3, join), (4, one)], join, at());
    enter(&mut b, one);
    b.set(x, Operand::Imm(1));
    b.jump(join, at());
    enter(&mut b, two);
    b.jump(join, at());
    enter(&mut b, join);
    let x = b.get(x);
    b.ret(x, at());
    is(
        b,
        "function f(v0)
         b0:
           switch32 v0, 1: b1, 2: b2, 3: b3(0), 4: b1, else b3(0)
         b1:
           jump b3(1)
         b2:
           jump b3(0)
         b3(v1):
           return v1",
    );
}

#[test]
fn a_constant_can_become_an_address() {
    let mut b = Builder::new("f", 1);
    let pointer = variable(&mut b, 16);
    let i = b.param(0);
    let i = variable(&mut b, i);
    while_less(&mut b, i, 10, |b| {
        let Operand::Val(base) = b.get(pointer) else { panic!("not known before the loop is sealed") };
        let load =
            Op::Load { size: Size::DW, addr: Addr { base: Base::Val(base), off: 0 }, memory: Memory::Other };
        let loaded = b.push(load, at()).unwrap();
        b.set(i, loaded.into());
    });
    b.ret(Operand::Imm(0), at());
    let text = finished(b).to_string();
    assert!(text.contains("v4 = 16\n  v3 = load dw [v4] other"), "{text}");
}

/// A chain of branches and many variables, and a loop around them: neither the stack nor time runs out.
#[test]
fn a_hundred_thousand_operations() {
    let mut b = Builder::new("f", 1);
    let param = b.param(0).into();
    let variables: Vec<_> = (0..20).map(|number| variable(&mut b, number)).collect();
    let i = variable(&mut b, 0);
    while_less(&mut b, i, 10, |b| {
        for round in 0..25_000 {
            let x = variables[round % 20];
            if_less(b, param, round as i64, |b| {
                let old = b.get(x);
                let new = add(b, old, 1);
                b.set(x, new);
            });
        }
        let (old, one) = (b.get(i), Operand::Imm(1));
        let new = add(b, old, one);
        b.set(i, new);
    });
    let mut sum = Operand::Imm(0);
    for x in variables {
        let x = b.get(x);
        sum = add(&mut b, sum, x);
    }
    b.ret(sum, at());
    let function = finished(b);
    assert_eq!(function.blocks.len(), 50_004);
    // One parameter where an `if` ends, and the loop's.
    let params: usize = function.blocks.iter().skip(1).map(|block| block.params.len()).sum();
    assert_eq!(params, 25_000 + 21);
}

/// Blocks that only ever lead on to each other: the way back to where a variable was set is as long as the function.
#[test]
fn a_long_way_back() {
    let mut b = Builder::new("f", 1);
    let (x, param) = (variable(&mut b, 3), b.param(0).into());
    for _ in 0..100_000 {
        let (out, on) = (b.block(), b.block());
        branch(&mut b, param, 1, out, on);
        enter(&mut b, out);
        b.ret(Operand::Imm(0), at());
        enter(&mut b, on);
    }
    assert_eq!(b.get(x), Operand::Imm(3));
    b.ret(Operand::Imm(1), at());
    finished(b);
}

#[test]
fn flaws_are_found() {
    let function = || {
        let mut b = Builder::new("f", 1);
        let param = b.param(0).into();
        let x = variable(&mut b, 1);
        if_less(&mut b, param, 5, |b| {
            let sum = add(b, param, 2);
            b.set(x, sum);
        });
        let x = b.get(x);
        b.ret(x, at());
        finished(b)
    };
    let flaw = |spoil: &dyn Fn(&mut Function)| {
        let mut function = function();
        spoil(&mut function);
        verify(&function).unwrap_err()
    };
    assert_eq!(flaw(&|f| f.blocks[2].end = None), Flaw::NotEnded(Block(2)));
    assert_eq!(flaw(&|f| f.values = 2), Flaw::NotCounted(Val(2)));
    assert_eq!(
        flaw(&|f| f.blocks[1].params.push(Val(0))),
        Flaw::Arguments { from: Block(0), to: Block(1), args: 0, params: 1 }
    );
    let ret = |value: u32| super::End::Return(Val(value).into());
    assert_eq!(
        flaw(&|f| f.blocks[2].end = Some((ret(1), at()))),
        Flaw::NotMade { value: Val(1), block: Block(2) }
    );
    assert_eq!(flaw(&|f| f.blocks[1].insts[0].result = Some(Val(0))), Flaw::MadeTwice(Val(0)));
    assert_eq!(flaw(&|f| f.blocks[1].insts[0].results = 0), Flaw::NotMade { value: Val(1), block: Block(1) });
    let store = |f: &mut Function| {
        let addr = Addr { base: Base::Local(super::Local(0)), off: 0 };
        f.blocks[1].insts[0].op = Op::Load { size: Size::B, addr, memory: Memory::Stack };
    };
    assert_eq!(flaw(&store), Flaw::Local { block: Block(1), index: 0 });
}
