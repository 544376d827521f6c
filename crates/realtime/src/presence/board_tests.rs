use super::*;
use crate::streams::StreamKind;
use Status::{Away, Offline, Online};

fn member(n: u8) -> MemberId {
    MemberId(Uuid::from_bytes([n; 16]))
}

fn room(n: u8) -> Stream {
    Stream::new(StreamKind::Chat, Uuid::from_bytes([n; 16]))
}

fn socket(n: usize) -> Id {
    Id::parse(&format!("{n:024}")).unwrap()
}

const A_MOMENT: Duration = Duration::from_secs(1);

#[test]
fn a_member_is_there_once_whatever_the_number_of_sockets() {
    let (mut board, now) = (Board::default(), Instant::now());
    board.connect(socket(9), member(9), true, now);
    board.enter(socket(9), room(1), now);
    board.tick(now);
    for n in 0..3 {
        board.connect(socket(n), member(1), true, now);
        board.enter(socket(n), room(1), now);
        board.enter(socket(n), room(1), now);
    }
    let news = board.tick(now);
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].changes, [(member(1), Online)]);
    assert_eq!((news[0].number, news[0].count), (2, 2));

    board.set_away(socket(0), true, now);
    board.set_away(socket(1), true, now);
    assert_eq!(board.tick(now), [], "one device is still looked at");
    board.disconnect(socket(2), now);
    assert_eq!(board.tick(now)[0].changes, [(member(1), Away)]);
    board.set_away(socket(0), false, now);
    assert_eq!(board.status(None, member(1)), Online);

    board.leave(socket(0), room(1), now);
    board.disconnect(socket(1), now);
    let later = now + GRACE;
    assert_eq!(board.tick(now + A_MOMENT), [], "somebody may come back");
    assert_eq!(board.tick(later)[0].changes, [(member(1), Offline)]);
    assert_eq!(board.status(None, member(1)), Online, "but in no room");
    assert!(board.disconnect(socket(0), later) && board.disconnect(socket(9), later));
    assert_eq!(board.size(), 0);
}

#[test]
fn a_storm_of_reconnects_is_no_news_and_a_crowd_is_one() {
    let (mut board, now) = (Board::default(), Instant::now());
    let crowd = 0..1000;
    for n in crowd.clone() {
        board.connect(socket(n), MemberId(Uuid::from_u128(n as u128)), true, now);
        board.enter(socket(n), room(1), now);
        board.enter(socket(n), room(2), now);
    }
    let news = board.tick(now);
    assert_eq!(news.len(), 2, "one push for each room, not one for each member");
    assert!(
        news.iter()
            .all(|news| news.more && news.changes.is_empty() && news.count == 1000)
    );
    for n in crowd {
        board.disconnect(socket(n), now);
        board.connect(socket(n + 1000), MemberId(Uuid::from_u128(n as u128)), true, now);
        board.enter(socket(n + 1000), room(1), now);
        board.enter(socket(n + 1000), room(2), now);
    }
    assert_eq!(board.tick(now + GRACE), []);
}

#[test]
fn who_does_not_want_to_be_seen_is_not() {
    let (mut board, now) = (Board::default(), Instant::now());
    board.connect(socket(1), member(1), false, now);
    board.enter(socket(1), room(1), now);
    assert_eq!((board.tick(now), board.changes().is_some()), (vec![], false));
    board.set_seen(member(1), true, now);
    assert_eq!(board.tick(now)[0].changes, [(member(1), Online)]);
    board.set_seen(member(1), false, now);
    assert_eq!(board.status(Some(room(1)), member(1)), Offline);
    assert_eq!(board.tick(now + GRACE)[0].changes, [(member(1), Offline)]);
    board.disconnect(socket(1), now);
    assert_eq!(board.size(), 0);
}

/// Two boards as two nodes that tell each other everything.
fn pair() -> (Board, Board, Uuid, Uuid) {
    (
        Board::default(),
        Board::default(),
        Uuid::from_u128(1),
        Uuid::from_u128(2),
    )
}

#[test]
fn nodes_tell_each_other_and_a_dead_one_leaves_no_ghosts() {
    let (mut a, mut b, name_a, _) = pair();
    let now = Instant::now();
    b.connect(socket(9), member(9), true, now);
    b.enter(socket(9), room(1), now);
    b.tick(now);

    a.connect(socket(1), member(1), true, now);
    a.enter(socket(1), room(1), now);
    let missed = a.changes().unwrap();
    assert_eq!(
        b.hear(name_a, missed, now),
        Err(Gap),
        "a node that nobody has met"
    );
    b.hear(name_a, a.all(), now).unwrap();
    assert_eq!(b.tick(now)[0].changes, [(member(1), Online)]);
    assert_eq!(b.hear(name_a, a.beat(), now), Ok(()));

    a.set_away(socket(1), true, now);
    b.hear(name_a, a.changes().unwrap(), now).unwrap();
    assert_eq!(b.tick(now)[0].changes, [(member(1), Away)]);

    // The same member on this node too: the best counts, and is told once.
    b.connect(socket(2), member(1), true, now);
    b.enter(socket(2), room(1), now);
    assert_eq!(b.tick(now)[0].changes, [(member(1), Online)]);

    a.set_away(socket(1), false, now);
    let lost = a.changes();
    assert!(lost.is_some());
    assert_eq!(
        b.hear(name_a, a.beat(), now),
        Err(Gap),
        "the beat shows what was missed"
    );

    b.disconnect(socket(2), now);
    let silent = now + LEASE + A_MOMENT;
    assert_eq!((b.expire(now + LEASE), b.expire(silent)), (0, 1));
    assert_eq!(b.tick(silent + GRACE)[0].changes, [(member(1), Offline)]);
    assert_eq!(b.status(None, member(1)), Offline);
}

#[test]
fn a_move_from_one_node_to_another_is_no_news() {
    let (mut a, mut b, name_a, _) = pair();
    let now = Instant::now();
    b.connect(socket(9), member(9), true, now);
    b.enter(socket(9), room(1), now);
    a.connect(socket(1), member(1), true, now);
    a.enter(socket(1), room(1), now);
    b.hear(name_a, a.all(), now).unwrap();
    b.tick(now);
    a.disconnect(socket(1), now);
    b.hear(name_a, a.changes().unwrap(), now).unwrap();
    b.tick(now + A_MOMENT);
    b.connect(socket(2), member(1), true, now + A_MOMENT);
    b.enter(socket(2), room(1), now + A_MOMENT);
    assert_eq!(b.tick(now + GRACE), []);
}

#[test]
fn the_first_listener_of_a_room_hears_who_is_there_already() {
    let (mut a, mut b, name_a, _) = pair();
    let now = Instant::now();
    a.connect(socket(1), member(1), true, now);
    a.enter(socket(1), room(1), now);
    b.hear(name_a, a.all(), now).unwrap();
    b.connect(socket(9), member(9), true, now);
    b.enter(socket(9), room(1), now);
    assert_eq!(
        b.tick(now)[0].present,
        Some(vec![(member(1), Online), (member(9), Online)])
    );
}

#[test]
fn a_socket_that_has_gone_enters_nothing() {
    let (mut board, now) = (Board::default(), Instant::now());
    board.connect(socket(1), member(1), true, now);
    board.disconnect(socket(1), now);
    board.enter(socket(1), room(1), now);
    board.set_away(socket(1), true, now);
    assert_eq!(board.size(), 0);
}
