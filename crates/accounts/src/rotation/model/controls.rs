//! Rules that are wrong in one place each: the same explorer must say so.

use super::*;

#[track_caller]
fn breaks(rules: Rules, setting: Setting, how: Broken) {
    match explore(rules, setting) {
        Ok(worlds) => panic!("{worlds} worlds and nothing found"),
        Err((broken, path)) => assert_eq!(broken, how, "{path:?}"),
    }
}

fn everything() -> Setting {
    setting(Client::Browser, Loot::TokenAndDevice, 8)
}

#[test]
fn a_grace_that_forks_the_chain() {
    fn forks(known: &Known, generation: i64, device: Device, now: Timestamp, strict: bool) -> Decision {
        match decide(known, generation, device, now, strict) {
            Decision::Repeat { .. } => Decision::Rotate,
            decision => decision,
        }
    }
    let forked =
        |known: Known, decision, _, device, now| known.after(decision, known.generation, device, now);
    let rules = Rules {
        decide: forks,
        after: forked,
        ..OURS
    };
    breaks(rules, everything(), "two tokens are unspent at once");
}

#[test]
fn a_grace_without_end() {
    fn forgives(known: &Known, generation: i64, device: Device, now: Timestamp, strict: bool) -> Decision {
        let unseen = Known {
            successor_seen_at: None,
            ..*known
        };
        decide(&unseen, generation, device, now, strict)
    }
    let rules = Rules {
        decide: forgives,
        ..OURS
    };
    breaks(
        rules,
        everything(),
        "owner and thief both went on, and nobody noticed",
    );
}

#[test]
fn only_the_first_sign_of_life_is_kept() {
    let rules = Rules {
        learns: |known, _| known.rotated_at.is_some() && known.successor_seen_at.is_none(),
        ..OURS
    };
    breaks(
        rules,
        everything(),
        "a spent token was answered although its successor lives",
    );
}

#[test]
fn repeats_that_nobody_counts() {
    let rules = Rules {
        after: |known, decision, generation, device, now| Known {
            repeats: 0,
            ..known.after(decision, generation, device, now)
        },
        ..OURS
    };
    breaks(rules, everything(), "more repeats than three a day");
}

#[test]
fn a_clock_that_is_not_started_anew() {
    let rules = Rules {
        after: |known, decision, generation, device, now| {
            let next = known.after(decision, generation, device, now);
            match decision {
                Decision::Repeat { .. } => Known {
                    rotated_at: known.rotated_at,
                    ..next
                },
                _ => next,
            }
        },
        ..OURS
    };
    let honest = setting(Client::Browser, Loot::Nothing, 8);
    breaks(
        rules,
        honest,
        "an honest client with its device does not get back in",
    );
}

#[test]
fn a_restore_that_starts_no_clock() {
    let rules = Rules {
        restored: |known, _| known,
        ..OURS
    };
    let honest = Setting {
        restores: true,
        ..setting(Client::Browser, Loot::Nothing, 8)
    };
    breaks(
        rules,
        honest,
        "an honest client with its device does not get back in",
    );
}

#[test]
fn access_tokens_that_outlive_a_late_repeat() {
    let rules = Rules {
        honours: |_, _, _| true,
        ..OURS
    };
    breaks(
        rules,
        everything(),
        "a thief beside the owner was served, and nobody noticed",
    );
}

#[test]
fn a_grace_for_everybody() {
    fn generous(known: &Known, generation: i64, _: Device, now: Timestamp, strict: bool) -> Decision {
        decide(known, generation, Device::Same, now, strict)
    }
    let rules = Rules {
        decide: generous,
        ..OURS
    };
    let token_alone = setting(Client::Browser, Loot::Token, 6);
    breaks(
        rules,
        token_alone,
        "a token without its device was worth something",
    );
}

#[test]
fn a_device_that_is_forgotten_when_an_answer_is_repeated() {
    let rules = Rules {
        after: |known, decision, generation, device, now| {
            let device = match decision {
                Decision::Repeat { .. } => Device::None,
                _ => device,
            };
            known.after(decision, generation, device, now)
        },
        ..OURS
    };
    let token_alone = setting(Client::Native, Loot::Token, 6);
    breaks(
        rules,
        token_alone,
        "a token without its device was worth something",
    );
}

#[test]
fn a_refusal_that_revokes_instead() {
    fn harsh(known: &Known, generation: i64, device: Device, now: Timestamp, _: bool) -> Decision {
        decide(known, generation, device, now, true)
    }
    let rules = Rules {
        decide: harsh,
        ..OURS
    };
    let honest = setting(Client::Browser, Loot::Nothing, 4);
    breaks(
        rules,
        honest,
        "an honest client with its device does not get back in",
    );
}

#[test]
fn a_proof_that_steps_over_a_lost_answer() {
    let rules = Rules {
        renewed: |known, _, now, _| known.after(Decision::Rotate, known.generation, Device::None, now),
        ..OURS
    };
    let honest = setting(Client::Browser, Loot::Nothing, 4);
    breaks(
        rules,
        honest,
        "an honest client with its device does not get back in",
    );
}

#[test]
fn a_proof_that_leaves_the_tokens_of_a_thief_alone() {
    let rules = Rules {
        renewed: |known, generation, now, strict| {
            let next = known.renewed(generation, now, strict);
            if next.generation > known.generation {
                return next;
            }
            Known {
                reissued: known.reissued,
                rotated_at: known.rotated_at,
                ..next
            }
        },
        ..OURS
    };
    breaks(
        rules,
        everything(),
        "a thief beside the owner was served, and nobody noticed",
    );
}

#[test]
fn a_strict_mode_with_grace() {
    fn lax(known: &Known, generation: i64, device: Device, now: Timestamp, _: bool) -> Decision {
        decide(known, generation, device, now, false)
    }
    let rules = Rules { decide: lax, ..OURS };
    let strict = Setting {
        strict: true,
        ..setting(Client::Browser, Loot::Nothing, 4)
    };
    breaks(rules, strict, "strict mode gives grace");
}
