"""What sends: a *turn* of a worker process carries due messages over several relays at once.

The wire is one event loop; a thread of its own talks to the database, so that claims and records
happen while mails go out, with no transaction open meanwhile. No statement and no task for a single
message.
"""
