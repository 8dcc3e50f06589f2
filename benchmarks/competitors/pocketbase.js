// PocketBase commits without waiting for the disk unless told otherwise. Here everybody waits: https://www.sqlite.org/pragma.html#pragma_synchronous
onBootstrap((event) => {
  event.next()
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous = FULL").execute()
})

// The one connection that writes is opened anew after three idle minutes: not if it is used.
cronAdd("durable", "* * * * *", () => {
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous = FULL").execute()
})

routerAdd("GET", "/synchronous", (event) => {
  const now = new DynamicModel({ synchronous: -1 })
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous").one(now)
  return event.json(200, now)
})
