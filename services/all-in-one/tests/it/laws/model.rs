//! What has to be answered, by brute force: a list of entries and a loop over the hours.

use super::script::{HOURS, Step, What};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    Active,
    Over,
}

#[derive(Debug, Clone)]
struct Entry {
    state: State,
    room: usize,
    hours: (i64, i64),
    quantity: u32,
    /// Made as a hold: it has a token.
    token: bool,
    /// Until when it is held, or was when it was given back.
    expires: Option<i64>,
    extended: bool,
}

/// What a tenant has in a window, as his answers have told.
pub(super) struct Model {
    /// Places of the shared room; the other one has one.
    places: u32,
    entries: Vec<Entry>,
    /// Seconds.
    now: i64,
}

/// How long a hold lives.
const HOLD: i64 = 60;

impl Model {
    pub(super) fn new(places: u32) -> Self {
        Self { places, entries: Vec::new(), now: 0 }
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now += seconds;
    }

    /// Whether a hold died of which it is not said whether anybody has noticed.
    pub(super) fn died(&self, entry: usize) -> bool {
        let entry = &self.entries[entry];
        entry.state == State::Held && !self.takes(entry)
    }

    fn takes(&self, entry: &Entry) -> bool {
        match entry.state {
            State::Active => true,
            State::Held => entry.expires.is_some_and(|end| self.now < end),
            State::Over => false,
        }
    }

    fn fits(&self, room: usize, hours: (i64, i64), quantity: u32, except: Option<usize>) -> bool {
        (0..HOURS).filter(|hour| hours.0 <= *hour && *hour < hours.1).all(|hour| {
            let there = self.entries.iter().enumerate().filter(|(number, entry)| {
                let at = entry.hours.0 <= hour && hour < entry.hours.1;
                Some(*number) != except && entry.room == room && at && self.takes(entry)
            });
            if room == 1 {
                return there.count() == 0;
            }
            there.map(|(_, entry)| entry.quantity).sum::<u32>() + quantity <= self.places
        })
    }

    /// The status of a step on `entry`, which happens if it is a success.
    pub(super) fn answer(&mut self, step: &Step, entry: usize) -> u16 {
        match step.what {
            What::Book | What::Hold => self.make(step),
            What::Confirm | What::Extend | What::Release => self.hold(step.what, entry),
            What::Move | What::Resize | What::Cancel | What::Return => self.change(step, entry),
            What::Repeat | What::Reuse | What::Steal(_) => panic!("these are others again"),
        }
    }

    fn make(&mut self, step: &Step) -> u16 {
        let hours = (step.from, step.to);
        if !self.fits(step.room, hours, step.quantity, None) {
            return 409;
        }
        let token = step.what == What::Hold;
        self.entries.push(Entry {
            state: if token { State::Held } else { State::Active },
            room: step.room,
            hours,
            quantity: step.quantity,
            token,
            expires: token.then_some(self.now + HOLD),
            extended: false,
        });
        201
    }

    fn hold(&mut self, what: What, entry: usize) -> u16 {
        let lives = self.takes(&self.entries[entry]);
        let entry = &mut self.entries[entry];
        if !entry.token {
            return 404;
        }
        match (what, entry.state) {
            (What::Release, State::Active) => 409,
            (What::Release, _) => {
                entry.state = State::Over;
                204
            }
            (_, State::Held) if !lives => 410,
            (_, State::Over) if entry.expires.is_some() => 410,
            (What::Confirm, _) => {
                if entry.state == State::Held {
                    (entry.state, entry.expires) = (State::Active, None);
                }
                200
            }
            (_, State::Held) if !entry.extended => {
                (entry.extended, entry.expires) = (true, entry.expires.map(|end| end + HOLD));
                200
            }
            (_, _) => 409,
        }
    }

    fn change(&mut self, step: &Step, number: usize) -> u16 {
        let old = self.entries[number].clone();
        if old.state == State::Held {
            return 400;
        }
        let mut new = old.clone();
        match step.what {
            What::Move => (new.room, new.hours) = (step.room, (step.from, step.to)),
            What::Resize => new.quantity = step.quantity,
            What::Cancel => new.state = State::Over,
            What::Return => (new.state, new.expires) = (State::Active, None),
            What::Book
            | What::Hold
            | What::Confirm
            | What::Extend
            | What::Release
            | What::Repeat
            | What::Reuse
            | What::Steal(_) => {}
        }
        let same = (old.state, old.room, old.hours) == (new.state, new.room, new.hours);
        // Of an exclusive room it has the whole already.
        let claims = new.state == State::Active
            && !(same && (new.room == 1 || old.quantity == new.quantity));
        if claims && !self.fits(new.room, new.hours, new.quantity, Some(number)) {
            return 409;
        }
        if old.state != new.state && new.state == State::Active {
            new.expires = None;
        }
        self.entries[number] = new;
        200
    }
}
