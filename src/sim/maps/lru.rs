//! The order in which elements of LRU maps are given up, as `kernel/bpf/bpf_lru_list.c` has it: lists of nodes, which are the
//! numbers of slots.
//!
//! New elements stand on their CPU's list of pending ones, until it needs free nodes; they move to the list of inactive
//! ones then, or of active ones if they were used meanwhile. With lists of their own, CPUs share none of this.

/// How many nodes a CPU takes from the common list at most, and how many are looked at.
const COMMON_BATCH: u32 = 128;
/// How many a CPU's own list gives up at once, and how many are looked at.
const OWN_BATCH: u32 = 4;

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Active,
    Inactive,
    Free,
    /// Set aside by a CPU.
    LocalFree,
    /// Taken by a CPU, and not sorted in yet.
    Pending,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    place: Place,
    used: bool,
    /// Which CPU has, or had, it.
    cpu: u32,
}

#[derive(Debug)]
pub(super) struct Lru {
    nodes: Vec<Node>,
    links: Links,
    /// One common to all CPUs, or one for each.
    lists: Vec<List>,
    /// Each CPU's, where the list is common.
    local: Vec<Local>,
    /// How many nodes are looked at at once.
    scans: u32,
    /// How many nodes a CPU takes at once.
    target: u32,
}

/// Sorted nodes.
#[derive(Clone, Copy, Debug)]
struct List {
    active: u32,
    inactive: u32,
    free: u32,
    actives: u32,
    inactives: u32,
    /// Where the look at inactive nodes goes on.
    rotation: u32,
}

/// What a CPU keeps to itself.
#[derive(Clone, Copy, Debug)]
struct Local {
    free: u32,
    pending: u32,
    /// Whom it robs next.
    steal: u32,
}

impl Lru {
    pub(super) fn new(entries: u32, cpus: u32, own_lists: bool, small_batches: bool) -> Self {
        let lists = if own_lists { cpus } else { 1 };
        let locals = if own_lists { 0 } else { cpus };
        let mut links = Links::new(entries, lists * 3 + locals * 2);
        let head = |number: u32| entries + number;
        let list = |list: u32| List {
            active: head(list * 3),
            inactive: head(list * 3 + 1),
            free: head(list * 3 + 2),
            actives: 0,
            inactives: 0,
            rotation: head(list * 3 + 1),
        };
        let lists: Vec<List> = (0..lists).map(list).collect();
        let first = lists.len() as u32 * 3;
        let local =
            |cpu: u32| Local { free: head(first + cpu * 2), pending: head(first + cpu * 2 + 1), steal: cpu };
        let each = (entries / lists.len() as u32).max(1);
        for node in 0..entries {
            let list = (node / each).min(lists.len() as u32 - 1) as usize;
            links.insert(node, lists[list].free);
        }
        let owner = |node: u32| if own_lists { (node / each).min(cpus - 1) } else { 0 };
        let nodes = (0..entries).map(|node| Node { place: Place::Free, used: false, cpu: owner(node) });
        let target = if small_batches { (entries / cpus / 2).clamp(1, COMMON_BATCH) } else { COMMON_BATCH };
        Self {
            nodes: nodes.collect(),
            links,
            lists,
            local: (0..locals).map(local).collect(),
            scans: if own_lists { OWN_BATCH } else { COMMON_BATCH },
            target,
        }
    }

    /// An element was used.
    pub(super) fn mark(&mut self, node: u32) {
        self.nodes[node as usize].used = true;
    }

    /// A node for a new element. `evict` is told which elements are given up.
    pub(super) fn take(&mut self, cpu: u32, evict: &mut impl FnMut(u32)) -> Option<u32> {
        if self.local.is_empty() { self.take_own(cpu as usize, evict) } else { self.take_common(cpu, evict) }
    }

    /// The element of a node is gone, or has not come to be.
    pub(super) fn give_back(&mut self, node: u32) {
        let Node { place, cpu, .. } = self.nodes[node as usize];
        match place {
            Place::LocalFree => {}
            Place::Pending => {
                let free = self.local[cpu as usize].free;
                self.set(node, Place::LocalFree);
                self.links.put(node, free);
            }
            _ => self.put(self.list_of(cpu), node, Place::Free),
        }
    }

    fn list_of(&self, cpu: u32) -> usize {
        if self.local.is_empty() { cpu as usize } else { 0 }
    }

    /// `bpf_percpu_lru_pop_free`
    fn take_own(&mut self, list: usize, evict: &mut impl FnMut(u32)) -> Option<u32> {
        self.rotate(list);
        let free = self.lists[list].free;
        if self.links.first(free).is_none() {
            self.shrink(list, OWN_BATCH, free, Place::Free, evict);
        }
        let node = self.links.first(free)?;
        self.put(list, node, Place::Inactive);
        Some(node)
    }

    /// `bpf_common_lru_pop_free`
    fn take_common(&mut self, cpu: u32, evict: &mut impl FnMut(u32)) -> Option<u32> {
        let free = self.local[cpu as usize].free;
        if self.links.first(free).is_none() {
            self.refill(cpu, evict);
        }
        let node = self.links.first(free).or_else(|| self.steal(cpu, evict))?;
        self.links.remove(node);
        self.set(node, Place::Pending);
        self.nodes[node as usize].cpu = cpu;
        self.links.insert(node, self.local[cpu as usize].pending);
        Some(node)
    }

    /// `bpf_lru_list_pop_free_to_local`
    fn refill(&mut self, cpu: u32, evict: &mut impl FnMut(u32)) {
        self.flush(cpu);
        self.rotate(0);
        let to = self.local[cpu as usize].free;
        let mut taken = 0;
        while taken < self.target {
            let Some(node) = self.links.first(self.lists[0].free) else { break };
            self.set_free(0, node, to, Place::LocalFree);
            taken += 1;
        }
        if taken < self.target {
            self.shrink(0, self.target - taken, to, Place::LocalFree, evict);
        }
    }

    /// Pending nodes are sorted in, the oldest first.
    fn flush(&mut self, cpu: u32) {
        let pending = self.local[cpu as usize].pending;
        while let Some(node) = self.links.last(pending) {
            let used = self.nodes[node as usize].used;
            self.put(0, node, if used { Place::Active } else { Place::Inactive });
        }
    }

    /// From another CPU, or from what this one has just taken.
    fn steal(&mut self, cpu: u32, evict: &mut impl FnMut(u32)) -> Option<u32> {
        let cpus = self.local.len() as u32;
        let first = self.local[cpu as usize].steal;
        let mut from = first;
        loop {
            let node = self.links.first(self.local[from as usize].free);
            let node = node.or_else(|| self.oldest_pending(from, evict));
            from = (from + 1) % cpus;
            if node.is_some() || from == first {
                self.local[cpu as usize].steal = from;
                return node;
            }
        }
    }

    /// The oldest that was not used, else the oldest.
    fn oldest_pending(&mut self, cpu: u32, evict: &mut impl FnMut(u32)) -> Option<u32> {
        let pending = self.local[cpu as usize].pending;
        let unused = self.links.backwards(pending).find(|node| !self.nodes[*node as usize].used);
        let node = unused.or_else(|| self.links.last(pending))?;
        evict(node);
        Some(node)
    }

    /// `__bpf_lru_list_rotate`
    fn rotate(&mut self, list: usize) {
        if self.lists[list].inactives < self.lists[list].actives {
            self.rotate_active(list);
        }
        self.rotate_inactive(list);
    }

    /// The oldest active nodes stay if they were used; the others become inactive.
    fn rotate_active(&mut self, list: usize) {
        let head = self.lists[list].active;
        let first = self.links.first(head);
        for _ in 0..self.scans {
            let Some(node) = self.links.last(head) else { return };
            let used = self.nodes[node as usize].used;
            self.put(list, node, if used { Place::Active } else { Place::Inactive });
            if Some(node) == first {
                return;
            }
        }
    }

    /// Inactive nodes that were used become active.
    fn rotate_inactive(&mut self, list: usize) {
        let head = self.lists[list].inactive;
        if self.links.first(head).is_none() {
            return;
        }
        let mut at = self.lists[list].rotation;
        let mut last = self.links.next(at);
        if last == head {
            last = self.links.next(last);
        }
        let mut next = head;
        let mut looked = 0;
        while looked < self.scans {
            if at == head {
                at = self.links.previous(at);
                continue;
            }
            next = self.links.previous(at);
            if self.nodes[at as usize].used {
                self.put(list, at, Place::Active);
            }
            if at == last {
                break;
            }
            at = next;
            looked += 1;
        }
        self.lists[list].rotation = next;
    }

    /// Gives up to `count` inactive elements up that were not used; if there is none, one that was.
    fn shrink(&mut self, list: usize, count: u32, to: u32, place: Place, evict: &mut impl FnMut(u32)) {
        if self.shrink_inactive(list, count, to, place, evict) > 0 {
            return;
        }
        let List { active, inactive, .. } = self.lists[list];
        if let Some(node) = self.links.last(inactive).or_else(|| self.links.last(active)) {
            evict(node);
            self.set_free(list, node, to, place);
        }
    }

    fn shrink_inactive(
        &mut self,
        list: usize,
        count: u32,
        to: u32,
        place: Place,
        evict: &mut impl FnMut(u32),
    ) -> u32 {
        let head = self.lists[list].inactive;
        let mut given = 0;
        for _ in 0..self.scans {
            let Some(node) = self.links.last(head) else { break };
            if self.nodes[node as usize].used {
                self.put(list, node, Place::Active);
                continue;
            }
            evict(node);
            self.set_free(list, node, to, place);
            given += 1;
            if given == count {
                break;
            }
        }
        given
    }

    /// Moves a node to the front of a place in a list of sorted nodes.
    fn put(&mut self, list: usize, node: u32, place: Place) {
        self.leave(list, node);
        let lists = &mut self.lists[list];
        let head = match place {
            Place::Active => {
                lists.actives += 1;
                lists.active
            }
            Place::Inactive => {
                lists.inactives += 1;
                lists.inactive
            }
            _ => lists.free,
        };
        self.set(node, place);
        self.links.put(node, head);
    }

    /// Moves a sorted node to the front of a list of free ones.
    fn set_free(&mut self, list: usize, node: u32, to: u32, place: Place) {
        self.leave(list, node);
        self.nodes[node as usize].place = place;
        self.links.put(node, to);
    }

    /// The counts, and the place where the look at inactive nodes goes on, without this node.
    fn leave(&mut self, list: usize, node: u32) {
        let lists = &mut self.lists[list];
        match self.nodes[node as usize].place {
            Place::Active => lists.actives -= 1,
            Place::Inactive => lists.inactives -= 1,
            _ => {}
        }
        if lists.rotation == node {
            lists.rotation = self.links.previous(node);
        }
    }

    fn set(&mut self, node: u32, place: Place) {
        let node = &mut self.nodes[node as usize];
        (node.place, node.used) = (place, false);
    }
}

/// Lists that run in a circle through a head; heads are numbered behind the nodes.
#[derive(Debug)]
struct Links {
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl Links {
    fn new(nodes: u32, heads: u32) -> Self {
        let alone: Vec<u32> = (0..nodes + heads).collect();
        Self { next: alone.clone(), previous: alone }
    }

    fn next(&self, node: u32) -> u32 {
        self.next[node as usize]
    }

    fn previous(&self, node: u32) -> u32 {
        self.previous[node as usize]
    }

    fn first(&self, head: u32) -> Option<u32> {
        Some(self.next(head)).filter(|node| *node != head)
    }

    fn last(&self, head: u32) -> Option<u32> {
        Some(self.previous(head)).filter(|node| *node != head)
    }

    fn backwards(&self, head: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(self.last(head), move |node| {
            Some(self.previous(*node)).filter(|node| *node != head)
        })
    }

    fn insert(&mut self, node: u32, head: u32) {
        let first = self.next(head);
        self.join(node, first);
        self.join(head, node);
    }

    fn remove(&mut self, node: u32) {
        self.join(self.previous(node), self.next(node));
        self.join(node, node);
    }

    fn put(&mut self, node: u32, head: u32) {
        self.remove(node);
        self.insert(node, head);
    }

    fn join(&mut self, before: u32, after: u32) {
        self.next[before as usize] = after;
        self.previous[after as usize] = before;
    }
}
