//! What a history consists of, thrown by dice.

use testkit::dice::Dice;

/// Hours in which a history takes place: few, so that its steps meet.
pub(super) const HOURS: i64 = 3;

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Book,
    Hold,
    Confirm,
    Extend,
    Release,
    Move,
    Resize,
    Cancel,
    /// What was cancelled comes back.
    Return,
    /// An earlier request again, to the byte, under its key.
    Repeat,
    /// Another request under the key of an earlier one that succeeded.
    Reuse,
    /// The same with an object of the other tenant.
    Steal(Stolen),
}

/// What is tried with an object of the other tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stolen {
    Room,
    Read,
    Move,
    Cancel,
    Confirm,
}

/// How a step is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Plain,
    /// With an `Idempotency-Key`, where the route takes one.
    Keyed,
    /// The same, and twice at once where others are at work beside it.
    Twice,
}

/// A step. What it does not need is thrown all the same.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) what: What,
    /// The shared one (0) or the exclusive one.
    pub(super) room: usize,
    /// Hours of the window.
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) quantity: u32,
    /// Of those made, or of the requests so far.
    pub(super) which: usize,
    pub(super) sent: Sent,
    /// Before or after the holds of the first part are dead.
    pub(super) late: bool,
    /// At once with the step before.
    pub(super) joined: bool,
}

fn step(dice: &mut Dice, what: What, late: bool) -> Step {
    let small = |dice: &mut Dice, sides| i64::try_from(dice.roll(sides)).unwrap();
    let from = small(dice, HOURS.unsigned_abs());
    Step {
        what,
        room: usize::from(dice.roll(4) == 0),
        from,
        to: (from + 1 + small(dice, 2)).min(HOURS),
        quantity: *dice.one(&[1, 1, 1, 2, 2, 3]),
        which: usize::try_from(dice.roll(60)).unwrap(),
        sent: *dice.one(&[Sent::Plain, Sent::Plain, Sent::Plain, Sent::Keyed, Sent::Twice]),
        late,
        joined: dice.roll(2) == 0,
    }
}

/// Steps of one who is asked for answers: one after the other.
pub(super) fn calm(dice: &mut Dice) -> Vec<Step> {
    use What::{Book, Cancel, Confirm, Extend, Hold, Move, Release, Repeat, Resize, Return, Reuse};
    let later = [
        Book, Book, Hold, Hold, Confirm, Confirm, Extend, Release, Move, Move, Resize, Cancel,
        Cancel, Return, Repeat, Repeat, Reuse,
    ];
    let (count, late) = (2 + dice.roll(2), 1 + dice.roll(2));
    let steps = (0..count).map(|number| {
        let what = if number == 0 { *dice.one(&[Book, Hold]) } else { *dice.one(&later) };
        let mut step = step(dice, what, number >= late);
        if number == 0 && step.sent == Sent::Plain {
            step.sent = Sent::Keyed;
        }
        step
    });
    steps.collect()
}

/// Steps of one who is in others' way: several at once, some of them with what is not his.
pub(super) fn storm(dice: &mut Dice) -> Vec<Step> {
    use What::{Book, Cancel, Confirm, Extend, Hold, Move, Release, Repeat, Resize, Return, Steal};
    let later = [
        Book,
        Book,
        Hold,
        Confirm,
        Extend,
        Release,
        Move,
        Move,
        Resize,
        Cancel,
        Return,
        Repeat,
        Steal(Stolen::Room),
        Steal(Stolen::Read),
        Steal(Stolen::Move),
        Steal(Stolen::Cancel),
        Steal(Stolen::Confirm),
    ];
    let (count, late) = (2 + dice.roll(2), 2 + dice.roll(2));
    let steps = (0..count).map(|number| {
        let what = if number < 2 { *dice.one(&[Book, Book, Hold]) } else { *dice.one(&later) };
        let mut step = step(dice, what, number >= late);
        // The first two race for the same place more often than not.
        step.joined |= number == 1;
        step
    });
    steps.collect()
}
