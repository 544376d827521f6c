//! Rooms and broadcasts.

use crate::harness::{Client, echoing, loopback, pipes};
use socketio::{Server, Socket};

async fn people(count: usize) -> (Server, Vec<(Client, Socket)>) {
    let server = echoing(Server::builder());
    let host = loopback(&server).await;
    let mut people = vec![];
    for _ in 0..count {
        let (client, id) = host.enter().await;
        let all = server.of("/").sockets();
        let socket = all.iter().find(|socket| socket.id().as_str() == id).unwrap();
        people.push((client, socket.clone()));
    }
    (server, people)
}

#[tokio::test]
async fn a_broadcast_reaches_each_member_once() {
    let (server, mut people) = people(4).await;
    for (_, socket) in &people[..3] {
        socket.join("hall");
        socket.join("hall");
    }
    people[1].1.join("balcony");
    people[3].1.join("balcony");
    let namespace = server.of("/");
    assert_eq!(namespace.to("hall").emit("a", &1).unwrap(), 3);
    assert_eq!(namespace.to("hall").to("balcony").emit("b", &1).unwrap(), 4);
    assert_eq!(people[0].1.to("hall").emit("c", &1).unwrap(), 2);
    assert_eq!(namespace.all().except(people[0].1.id()).emit("d", &1).unwrap(), 3);
    assert_eq!(namespace.to("nowhere").emit("e", &1).unwrap(), 0);
    for (person, wanted) in people.iter_mut().zip(["ab", "abcd", "abcd", "bd"]) {
        for name in wanted.chars() {
            assert_eq!(person.0.next().await, format!(r#"42["{name}",1]"#));
        }
        person.0.hears_nothing().await;
    }
}

#[tokio::test]
async fn rooms_end_with_their_last_member() {
    let (server, mut people) = people(3).await;
    let namespace = server.of("/");
    for (n, (_, socket)) in people.iter().enumerate() {
        socket.join("hall");
        socket.join(&format!("own {n}"));
    }
    assert_eq!(
        (namespace.room_count(), namespace.sockets_in("hall").len()),
        (4, 3)
    );
    people[0].1.leave("hall");
    people[0].1.leave("hall");
    assert_eq!(people[0].1.rooms().len(), 1);
    people[1].1.disconnect();
    let (client, gone) = people.remove(2);
    drop(client);
    while namespace.sockets().len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (namespace.room_count(), namespace.sockets_in("hall").len()),
        (1, 0)
    );
    gone.join("hall");
    assert_eq!(
        (gone.rooms().len(), namespace.room_count()),
        (0, 1),
        "who is gone joins nothing"
    );
    people[0].1.disconnect();
    assert_eq!((namespace.room_count(), server.counts().open_sockets), (0, 0));
}

#[tokio::test]
async fn coming_and_going_leaves_nothing_behind() {
    let server = echoing(Server::builder());
    let namespace = server.of("/");
    namespace.on_connect(async |socket: Socket, _| {
        socket.join("hall");
        socket.join(socket.id().as_str());
    });
    let host = pipes(&server);
    for _ in 0..300 {
        let (mut client, _) = host.enter().await;
        client.hears_nothing().await;
    }
    while server.counts().open_connections > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((namespace.room_count(), namespace.sockets().len()), (0, 0));
    assert_eq!(server.queue_depth(), socketio::QueueDepth::default());
}
