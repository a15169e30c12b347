//! Parameters of blocks while a function is being built: what they merge, and which of them merge nothing.

use super::build::Variable;
use super::{Block, Operand, Val};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PhiId(u32);

/// All of them. Arguments and users are slices and lists in two vectors for all.
#[derive(Debug, Default)]
pub(super) struct Phis {
    phis: Vec<Phi>,
    arguments: Vec<Operand>,
    /// Lists of the parameters that take another one as an argument.
    users: Vec<(PhiId, Option<u32>)>,
    /// The parameter that a value is; none for what lies beyond.
    of_value: Vec<Option<PhiId>>,
}

#[derive(Debug)]
struct Phi {
    block: Block,
    variable: Variable,
    value: Val,
    first_argument: u32,
    arguments: u32,
    users: Option<u32>,
    /// What it stands for, if it merges nothing.
    alias: Option<Operand>,
}

impl Phis {
    pub(super) fn is_empty(&self) -> bool {
        self.phis.is_empty()
    }

    pub(super) fn add(&mut self, block: Block, variable: Variable, value: Val) -> PhiId {
        let id = PhiId(self.phis.len() as u32);
        self.phis.push(Phi {
            block,
            variable,
            value,
            first_argument: 0,
            arguments: 0,
            users: None,
            alias: None,
        });
        self.of_value.resize(value.index() + 1, None);
        self.of_value[value.index()] = Some(id);
        id
    }

    /// Makes room for as many arguments.
    pub(super) fn reserve(&mut self, id: PhiId, ways: usize) {
        let phi = &mut self.phis[id.0 as usize];
        (phi.first_argument, phi.arguments) = (self.arguments.len() as u32, ways as u32);
        // Itself: nothing merged yet.
        self.arguments.resize(self.arguments.len() + ways, phi.value.into());
    }

    pub(super) fn place(&self, id: PhiId) -> (Block, Variable) {
        let phi = &self.phis[id.0 as usize];
        (phi.block, phi.variable)
    }

    pub(super) fn set_argument(&mut self, id: PhiId, way: usize, value: Operand) {
        let value = self.resolve(value);
        if let Some(used) = self.phi(value).filter(|used| *used != id) {
            let first = &mut self.phis[used.0 as usize].users;
            self.users.push((id, *first));
            *first = Some(self.users.len() as u32 - 1);
        }
        let first = self.phis[id.0 as usize].first_argument as usize;
        self.arguments[first + way] = value;
    }

    /// What the parameter gets on one way in.
    pub(super) fn argument(&mut self, id: PhiId, way: usize) -> Operand {
        let first = self.phis[id.0 as usize].first_argument as usize;
        self.resolve(self.arguments[first + way])
    }

    /// What a value stands for.
    pub(super) fn resolve(&mut self, value: Operand) -> Operand {
        let mut found = value;
        while let Some(next) = self.alias(found) {
            found = next;
        }
        // The way is shorter next time.
        let mut at = value;
        while let (Some(id), Some(next)) = (self.phi(at), self.alias(at)) {
            self.phis[id.0 as usize].alias = Some(found);
            at = next;
        }
        found
    }

    /// The parameters that merge something, with the blocks they belong to, in the order they were made.
    pub(super) fn kept(&self) -> impl Iterator<Item = (PhiId, Block, Val)> + '_ {
        let kept = |(index, phi): (usize, &Phi)| {
            phi.alias.is_none().then_some((PhiId(index as u32), phi.block, phi.value))
        };
        self.phis.iter().enumerate().filter_map(kept)
    }

    /// Drops those of `work` that merge nothing, and what then merges nothing.
    pub(super) fn simplify(&mut self, mut work: Vec<PhiId>) {
        while let Some(id) = work.pop() {
            if self.phis[id.0 as usize].alias.is_some() {
                continue;
            }
            if let Some(same) = self.merged(id) {
                self.phis[id.0 as usize].alias = Some(same);
                self.hand_users(id, same, &mut work);
            }
        }
    }
}

impl Phis {
    fn phi(&self, value: Operand) -> Option<PhiId> {
        match value {
            Operand::Val(value) => self.of_value.get(value.index()).copied().flatten(),
            Operand::Imm(_) => None,
        }
    }

    fn alias(&self, value: Operand) -> Option<Operand> {
        self.phis[self.phi(value)?.0 as usize].alias
    }

    /// The one value that all arguments are, but for the parameter itself.
    fn merged(&mut self, id: PhiId) -> Option<Operand> {
        let phi = &self.phis[id.0 as usize];
        let (own, arguments) =
            (Operand::Val(phi.value), phi.first_argument..phi.first_argument + phi.arguments);
        let mut same = None;
        for index in arguments {
            let value = self.resolve(self.arguments[index as usize]);
            if value != own && *same.get_or_insert(value) != value {
                return None;
            }
        }
        // None at all: only blocks that nothing reaches lead here.
        Some(same.unwrap_or(Operand::Imm(0)))
    }

    /// Looks at the users of a dropped parameter again; they are users of what it stands for now.
    fn hand_users(&mut self, id: PhiId, to: Operand, work: &mut Vec<PhiId>) {
        let to = self.phi(to);
        let mut next = self.phis[id.0 as usize].users.take();
        while let Some(index) = next {
            let user;
            (user, next) = self.users[index as usize];
            work.push(user);
            if let Some(to) = to {
                let first = &mut self.phis[to.0 as usize].users;
                self.users[index as usize].1 = *first;
                *first = Some(index);
            }
        }
    }
}
