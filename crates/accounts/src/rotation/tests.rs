//! Each rule once, by hand.

use super::*;

const START: Timestamp = Timestamp::from_micros(1_000_000_000_000);
const LATE: Decision = Decision::Repeat {
    remarkable: true,
    counted: false,
};

fn known() -> Known {
    Known {
        generation: 5,
        rotated_at: Some(START),
        successor_seen_at: None,
        device_shown: true,
        reissued: None,
        repeat_day: 0,
        repeats: 0,
    }
}

fn plain() -> Known {
    Known {
        device_shown: false,
        ..known()
    }
}

fn seen(seconds: u64) -> Known {
    Known {
        successor_seen_at: Some(after(seconds)),
        ..known()
    }
}

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn on(known: Known, generation: i64, device: Device, seconds: u64) -> Decision {
    decide(&known, generation, device, after(seconds), false)
}

#[test]
fn the_newest_token_rotates() {
    assert_eq!(on(known(), 5, Device::Same, 1), Decision::Rotate);
    assert_eq!(on(plain(), 5, Device::None, 1), Decision::Rotate);
    let next = known().after(Decision::Rotate, 5, Device::Same, after(9));
    assert_eq!((next.generation, next.rotated_at), (6, Some(after(9))));
}

#[test]
fn a_token_without_its_device_rotates_nothing() {
    for device in [Device::None, Device::Other] {
        assert_eq!(on(known(), 5, device, 1), Decision::DeviceRequired);
        let next = known().after(Decision::DeviceRequired, 5, device, after(1));
        assert_eq!(next, known());
    }
    assert_eq!(on(plain(), 5, Device::Other, 1), Decision::DeviceRequired);
}

#[test]
fn a_device_once_shown_is_asked_for_from_then_on() {
    for decision in [Decision::Rotate, LATE, Decision::CatchUp] {
        assert!(plain().after(decision, 5, Device::Same, after(1)).device_shown);
    }
    assert!(
        !plain()
            .after(Decision::Rotate, 5, Device::None, after(1))
            .device_shown
    );
}

#[test]
fn a_lost_answer_is_given_again_even_much_later() {
    let soon = Decision::Repeat {
        remarkable: false,
        counted: false,
    };
    assert_eq!(on(known(), 4, Device::Same, 1), soon);
    assert_eq!(on(known(), 4, Device::Same, 3600), LATE);
}

#[test]
fn a_successor_that_lives_on_makes_the_old_token_theft() {
    assert_eq!(on(seen(61), 4, Device::Same, 62), Decision::Reuse);
    let counted = Decision::Repeat {
        remarkable: true,
        counted: true,
    };
    assert_eq!(on(seen(5), 4, Device::Same, 20), counted);
    let mut tired = seen(5);
    for second in 20..23 {
        assert_eq!(on(tired, 4, Device::Same, second), counted);
        tired = Known {
            rotated_at: Some(START),
            ..tired.after(counted, 4, Device::Same, after(second))
        };
    }
    assert_eq!(on(tired, 4, Device::Same, 23), Decision::ReauthRequired);
    assert_eq!(
        on(tired, 4, Device::Same, 86_400),
        counted,
        "three a day, not three"
    );
}

#[test]
fn a_late_repeat_starts_the_grace_anew() {
    let again = known().after(LATE, 4, Device::Same, after(7200));
    let used = Known {
        successor_seen_at: Some(after(7201)),
        ..again
    };
    assert_ne!(on(used, 4, Device::Same, 7220), Decision::Reuse);
}

#[test]
fn a_late_sign_of_life_is_learnt_after_an_early_one() {
    assert!(known().learns_from_call(after(1)));
    assert!(!seen(1).learns_from_call(after(60)));
    assert!(seen(1).learns_from_call(after(61)));
    assert!(!seen(61).learns_from_call(after(3600)));
}

#[test]
fn a_late_repeat_voids_what_was_given_out_before() {
    let second = |seconds| after(seconds).as_seconds();
    let again = known().after(LATE, 4, Device::Same, after(30));
    assert!(!again.honours(4, second(0)) && !again.honours(5, second(29)));
    assert!(again.honours(5, second(30)));
    let next = again.after(Decision::Rotate, 5, Device::Same, after(40));
    assert!(!next.honours(5, second(30)) && next.honours(6, second(40)));
    let later = next.after(Decision::Rotate, 6, Device::Same, after(50));
    assert!(later.honours(6, second(40)), "an ordinary rotation voids nothing");
}

#[test]
fn access_tokens_from_before_a_restore_are_void() {
    let second = |seconds| after(seconds).as_seconds();
    let restored = known().restored(after(100));
    assert!(!restored.honours(4, second(90)) && !restored.honours(5, second(99)));
    assert!(
        !restored.honours(6, second(100)),
        "a generation that nobody knows"
    );
    assert!(restored.honours(5, second(100)));
}

#[test]
fn a_plain_client_is_told_and_not_thrown_out() {
    assert_eq!(on(plain(), 4, Device::None, 1), Decision::Superseded);
    let used = Known {
        device_shown: false,
        ..seen(2)
    };
    assert_eq!(on(used, 4, Device::None, 3), Decision::Reuse);
    assert_eq!(
        on(plain(), 6, Device::None, 1),
        Decision::ReauthRequired,
        "after a restore"
    );
}

#[test]
fn a_spent_token_without_its_device_is_worth_nothing() {
    assert_eq!(on(known(), 4, Device::None, 1), Decision::Superseded);
    assert_eq!(on(seen(1), 4, Device::None, 2), Decision::Reuse);
    assert_eq!(on(known(), 4, Device::Other, 1), Decision::Reuse);
}

#[test]
fn older_tokens_are_reuse_whoever_shows_them() {
    for device in [Device::None, Device::Same, Device::Other] {
        assert_eq!(on(known(), 3, device, 1), Decision::Reuse);
    }
}

#[test]
fn a_restored_backup_catches_up_with_its_device_alone() {
    assert_eq!(on(known(), 6, Device::Same, 1), Decision::CatchUp);
    assert_eq!(on(known(), 6, Device::None, 1), Decision::Reuse);
    let next = known().after(Decision::CatchUp, 9, Device::Same, after(1));
    assert_eq!(next.generation, 10);
}

#[test]
fn strict_mode_knows_no_grace() {
    for generation in [3, 4, 6] {
        assert_eq!(
            decide(&known(), generation, Device::Same, after(1), true),
            Decision::Reuse
        );
    }
    assert_eq!(
        decide(&known(), 5, Device::Same, after(1), true),
        Decision::Rotate
    );
}
