"""The sending engine. A *shift* of a worker process serves several relays at once, each with a
delivery agent.

All connections run in one event loop. A separate thread talks to the database, so that claims and
records happen while mails go out. No transaction is open while the network is waited for. No
statement and no task is made for a single message.
"""
