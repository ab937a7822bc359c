//! Lanes: all sessions that are sent the same, together.
//!
//! Sessions with the same [`Rule`] share a [`Lane`]: an event is matched and framed once
//! for all of them, and one that nobody wants in a lane costs its sessions nothing. Lanes
//! that name filers are found by the event's filers, so an event about one company does
//! not ask ten thousand filters about others. Elsewhere: writing to sockets (`sweep`).
//!
//! Invariant: a member that is not due has been given everything on its lane's tape.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use protocol::{cik::Cik, filter::Facts, seq::Seq};
use slab::Slab;

use super::{place::Rule, tape::Tape};
use crate::log::{Record, facts, frame_in};

/// Names a lane while sessions are attached to it.
pub(super) type LaneId = usize;

/// Names a session while it is open.
pub(super) type Token = usize;

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: Slab<Lane>,
    by_rule: HashMap<Arc<Rule>, LaneId>,
    /// Lanes that want no filing but of these filers.
    by_cik: HashMap<Cik, Vec<LaneId>>,
    /// Lanes that are asked about every event.
    others: Vec<LaneId>,
    /// Lanes with members that are due.
    due: VecDeque<LaneId>,
    examined: Seq,
}

/// The sessions of one rule.
#[derive(Debug)]
pub(super) struct Lane {
    rule: Arc<Rule>,
    pub(super) tape: Tape,
    /// Bytes of the tape kept for those who come back; else only what is due.
    keep: usize,
    /// Sessions that get their frames from the tape, in the order they are visited.
    members: Vec<Token>,
    next: usize,
    /// Members still to be visited since the newest frame came.
    due: usize,
    /// Members still to be visited until all have what lies before `given`.
    unvisited: usize,
    given: u64,
    /// Members and sessions that will be again.
    attached: usize,
    newest: Seq,
}

impl Lanes {
    /// The lane of all filing events, which keeps `keep` bytes, and what the log holds
    /// after `examined` still to come.
    pub(super) fn new(examined: Seq, keep: usize) -> Self {
        let mut lanes = Self {
            lanes: Slab::new(),
            by_rule: HashMap::new(),
            by_cik: HashMap::new(),
            others: Vec::new(),
            due: VecDeque::new(),
            examined,
        };
        let common = lanes.attach(Rule::default());
        lanes.lanes[common].keep = keep;
        lanes
    }

    /// The last event every lane was asked about.
    pub(super) fn examined(&self) -> Seq {
        self.examined
    }

    /// The lane of this rule, with one more session attached.
    pub(super) fn attach(&mut self, rule: Rule) -> LaneId {
        if let Some(lane) = self.by_rule.get(&rule) {
            self.lanes[*lane].attached += 1;
            return *lane;
        }
        let rule = Arc::new(rule);
        let id = self
            .lanes
            .insert(Lane::new(Arc::clone(&rule), self.examined));
        match indexed(&rule) {
            Some(ciks) => {
                for cik in ciks {
                    self.by_cik.entry(*cik).or_default().push(id);
                }
            }
            None => self.others.push(id),
        }
        self.by_rule.insert(rule, id);
        id
    }

    /// One session less is attached; the last one takes the lane with it.
    pub(super) fn detach(&mut self, id: LaneId) {
        self.lanes[id].attached -= 1;
        if self.lanes[id].attached > 0 {
            return;
        }
        let lane = self.lanes.remove(id);
        self.by_rule.remove(&lane.rule);
        self.due.retain(|due| *due != id);
        match indexed(&lane.rule) {
            Some(ciks) => {
                for cik in ciks {
                    if let Some(found) = self.by_cik.get_mut(cik) {
                        found.retain(|other| *other != id);
                        if found.is_empty() {
                            self.by_cik.remove(cik);
                        }
                    }
                }
            }
            None => self.others.retain(|other| *other != id),
        }
    }

    /// Puts the next event of the log on the tapes of the lanes that want it.
    pub(super) fn push(&mut self, record: &Record) {
        let facts = facts(record);
        self.examined = record.seq;
        if facts.filing.is_some() {
            for place in 0..self.others.len() {
                self.offer(self.others[place], facts, record);
            }
            for cik in facts.ciks() {
                let lanes = self.by_cik.get(cik).map_or(0, Vec::len);
                for place in 0..lanes {
                    self.offer(self.by_cik[cik][place], facts, record);
                }
            }
        } else {
            let all: Vec<LaneId> = self.lanes.iter().map(|(id, _)| id).collect();
            for id in all {
                self.offer(id, facts, record);
            }
        }
    }

    fn offer(&mut self, id: LaneId, facts: &Facts, record: &Record) {
        let lane = &mut self.lanes[id];
        // A lane is found once for each of its filers.
        if lane.newest == record.seq || !lane.rule.filter.wants(facts) {
            return;
        }
        lane.newest = record.seq;
        lane.tape.push(record.seq, frame_in(record, lane.rule.view));
        if lane.due == 0 && !lane.members.is_empty() {
            self.due.push_back(id);
            lane.begin_round();
        }
        lane.due = lane.members.len();
        lane.forget();
    }

    /// The next member to be visited, and its lane.
    pub(super) fn next_due(&mut self) -> Option<(LaneId, Token)> {
        let id = *self.due.front()?;
        let lane = &mut self.lanes[id];
        let place = if lane.next < lane.members.len() {
            lane.next
        } else {
            0
        };
        lane.next = place + 1;
        lane.due -= 1;
        lane.unvisited = lane.unvisited.saturating_sub(1);
        let member = lane.members[place];
        // The lanes take turns, so that one whose round never ends keeps no other waiting.
        self.due.pop_front();
        if lane.due > 0 {
            self.due.push_back(id);
        }
        Some((id, member))
    }

    /// Whether a member is due.
    pub(super) fn any_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Forgets what all members of a lane, if there is one, have been given.
    pub(super) fn rest(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.forget();
        }
    }

    /// A session joins the members; its place among them.
    pub(super) fn join(&mut self, id: LaneId, member: Token) -> usize {
        let lane = &mut self.lanes[id];
        lane.members.push(member);
        if lane.due > 0 {
            // It stands in the round, which must still reach the others.
            lane.due += 1;
            lane.unvisited += 1;
        }
        lane.members.len() - 1
    }

    /// The member of that place leaves; which one has taken the place.
    pub(super) fn part(&mut self, id: LaneId, place: usize) -> Option<Token> {
        let lane = &mut self.lanes[id];
        lane.members.swap_remove(place);
        if lane.due > 0 {
            // The one that has moved may not have been visited, so all are, once more.
            lane.due = lane.members.len();
            lane.unvisited = lane.due;
            if lane.due == 0 {
                self.due.retain(|due| *due != id);
            }
        }
        lane.members.get(place).copied()
    }

    /// A lane.
    pub(super) fn get(&self, id: LaneId) -> &Lane {
        &self.lanes[id]
    }
}

/// The filers by which a lane is found; none for a rule that names so many that finding it
/// by each would cost more than asking it about every event.
fn indexed(rule: &Rule) -> Option<&BTreeSet<Cik>> {
    const MOST: usize = 64;
    rule.filter.ciks().filter(|ciks| ciks.len() <= MOST)
}

impl Lane {
    fn new(rule: Arc<Rule>, floor: Seq) -> Self {
        Self {
            rule,
            tape: Tape::new(floor),
            keep: 0,
            members: Vec::new(),
            next: 0,
            due: 0,
            unvisited: 0,
            given: 0,
            attached: 1,
            newest: floor,
        }
    }

    /// What its sessions are sent.
    pub(super) fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Everybody is visited from here on.
    fn begin_round(&mut self) {
        self.unvisited = self.members.len();
        self.given = self.tape.end().offset;
    }

    /// Forgets what all members have been given, also while events come faster than a
    /// round takes.
    fn forget(&mut self) {
        if self.due == 0 {
            self.tape.trim(self.keep, self.tape.end().offset);
        } else if self.unvisited == 0 {
            self.tape.trim(self.keep, self.given);
            self.begin_round();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::filter::Filter;

    use super::*;
    use crate::http::testing::House;

    fn rule(field: &str, value: &str) -> Rule {
        Rule {
            filter: Filter::from_lists([(field, value)]).unwrap(),
            ..Rule::default()
        }
    }

    /// So many events of form 8-K about no filer in particular.
    fn records(count: usize) -> Vec<Arc<Record>> {
        let mut house = House::open(1);
        for _ in 0..count {
            house.append("2026-03-03T12:00:00Z".parse().unwrap());
        }
        let log = &house.shared.log;
        log.read_after_blocking(Seq::ZERO, count, usize::MAX)
            .unwrap()
    }

    /// Visits everybody who is due.
    fn round(lanes: &mut Lanes) -> Vec<Token> {
        let mut visited = Vec::new();
        while let Some((lane, member)) = lanes.next_due() {
            visited.push(member);
            lanes.rest(lane);
        }
        visited
    }

    #[test]
    fn an_event_is_for_the_lanes_that_want_it_and_costs_the_others_nothing() {
        let mut lanes = Lanes::new(Seq::ZERO, 1 << 20);
        let all = lanes.attach(Rule::default());
        let quarterly = lanes.attach(rule("forms", "10-Q"));
        let of_one = lanes.attach(rule("ciks", "7"));
        for (member, lane) in [all, all, quarterly, of_one].into_iter().enumerate() {
            lanes.join(lane, member);
        }

        for record in records(3) {
            lanes.push(&record);
        }

        assert_eq!(round(&mut lanes), [0, 1]);
        assert_eq!(lanes.examined(), Seq::new(3));
        assert_eq!(lanes.get(quarterly).tape.end().frames, 0);
        assert_eq!(lanes.get(of_one).tape.end().frames, 0);
    }

    #[test]
    fn everybody_is_visited_whoever_comes_and_goes_meanwhile() {
        let records = records(200);
        let mut lanes = Lanes::new(Seq::ZERO, 0);
        let lane = lanes.attach(Rule::default());
        // What each has been given, and its place; those who left have none.
        let mut given: Vec<(u64, Option<usize>)> = Vec::new();
        let mut chance = 12_345_u64;
        for record in &records {
            lanes.push(record);
            for _ in 0..10 {
                chance = chance
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let pick = (chance >> 33) as usize;
                match pick % 4 {
                    0 => {
                        let place = lanes.join(lane, given.len());
                        let end = lanes.get(lane).tape.end().frames;
                        given.push((end, Some(place)));
                    }
                    1 if !given.is_empty() => {
                        let leaver = pick % given.len();
                        if let Some(place) = given[leaver].1.take()
                            && let Some(moved) = lanes.part(lane, place)
                        {
                            given[moved].1 = Some(place);
                        }
                    }
                    _ => {
                        if let Some((lane, member)) = lanes.next_due() {
                            given[member].0 = lanes.get(lane).tape.end().frames;
                            lanes.rest(lane);
                        }
                    }
                }
            }
        }
        while let Some((lane, member)) = lanes.next_due() {
            given[member].0 = lanes.get(lane).tape.end().frames;
        }

        let end = lanes.get(lane).tape.end().frames;
        assert_eq!(end, 200);
        for (frames, place) in given {
            assert!(place.is_none() || frames == end, "{frames}");
        }
    }

    #[test]
    fn the_last_session_takes_its_lane_with_it() {
        let mut lanes = Lanes::new(Seq::ZERO, 0);
        let first = lanes.attach(rule("ciks", "7,8"));
        assert_eq!(lanes.attach(rule("ciks", "08,7")), first, "the same rule");

        lanes.detach(first);
        assert_eq!(lanes.by_cik.len(), 2);
        lanes.detach(first);

        assert!(lanes.by_cik.is_empty());
        assert_eq!((lanes.lanes.len(), lanes.by_rule.len()), (1, 1));
    }

    #[test]
    fn a_round_that_never_ends_delays_no_lane_and_keeps_no_old_frames() {
        let mut lanes = Lanes::new(Seq::ZERO, 0);
        let large = lanes.attach(Rule::default());
        let small = lanes.attach(rule("forms", "8-K"));
        for member in 0..10 {
            lanes.join(large, member);
        }
        lanes.join(small, 10);

        // An event for each visit: the round of the large lane is never over.
        let mut visits = Vec::new();
        for record in records(100) {
            lanes.push(&record);
            let (lane, member) = lanes.next_due().unwrap();
            visits.push(member);
            lanes.rest(lane);
        }

        assert!(visits.iter().filter(|member| **member == 10).count() >= 40);
        let tape = &lanes.get(large).tape;
        let held = tape.end().offset - tape.start();
        assert!(held < tape.end().offset / 2, "{held}");
    }

    #[test]
    fn a_tape_keeps_only_what_somebody_is_due() {
        let mut lanes = Lanes::new(Seq::ZERO, 0);
        let lane = lanes.attach(rule("forms", "8-K"));
        lanes.join(lane, 0);

        for record in records(5) {
            lanes.push(&record);
        }
        let due = lanes.get(lane).tape.end().offset - lanes.get(lane).tape.start();
        round(&mut lanes);
        let rested = lanes.get(lane).tape.end().offset - lanes.get(lane).tape.start();

        assert!(due > 500);
        assert_eq!(rested, 0);
    }
}
