use super::*;
use crate::Role;
use base::uuid::Uuid;

fn flag(percent: i64, roles: Vec<Role>) -> Flag {
    Flag {
        name: "new_feed".to_owned(),
        description: String::new(),
        enabled: true,
        percent,
        roles,
        updated_at: Timestamp::from_micros(0),
    }
}

fn members() -> impl Iterator<Item = MemberId> {
    (0..2000_u128).map(|n| MemberId(Uuid::from_u128(n << 64 | n)))
}

#[test]
fn a_percentage_is_about_that_many_and_only_grows() {
    let on = |percent| -> Vec<MemberId> {
        let flag = flag(percent, vec![]);
        members()
            .filter(|member| flag.is_on_for(*member, Roles::NONE))
            .collect()
    };
    assert!(on(0).is_empty());
    assert_eq!(on(100).len(), 2000);
    let (few, more) = (on(10), on(20));
    assert!((140..=260).contains(&few.len()), "{}", few.len());
    assert!(few.iter().all(|member| more.contains(member)));
}

#[test]
fn roles_come_before_the_percentage_and_off_is_off() {
    let somebody = members().next().unwrap();
    let flag = flag(0, vec![Role::Admin]);
    assert!(flag.is_on_for(somebody, Roles::NONE.with(Role::Admin)));
    assert!(!flag.is_on_for(somebody, Roles::NONE.with(Role::Premium)));
    let off = Flag {
        enabled: false,
        percent: 100,
        ..flag
    };
    assert!(!off.is_on_for(somebody, Roles::NONE.with(Role::Admin)));
}
