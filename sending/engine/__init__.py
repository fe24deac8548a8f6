"""What sends: a *shift* of a worker process serves several relays at once, each by a
delivery agent.

The wire is one event loop; a thread of its own talks to the database, so that claims and records
happen while mails go out, with no transaction open meanwhile. No statement and no task for a single
message.
"""
