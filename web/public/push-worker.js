// Shows what is pushed while no page is open. The server seals a note for this browser alone: {title, body, url, tag}.
self.addEventListener('push', (event) => {
  const note = event.data?.json() ?? {};
  const shown = { body: note.body, tag: note.tag, data: { url: note.url }, icon: '/favicon.svg' };
  event.waitUntil(self.registration.showNotification(note.title ?? 'Mundo Tango', shown));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url));
});

async function open(path) {
  const target = new URL(path ?? '/', self.location.origin);
  if (target.origin !== self.location.origin) return;
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const there = pages.find((page) => page.url === target.href);
  await (there ? there.focus() : self.clients.openWindow(target.href));
}
