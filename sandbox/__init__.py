"""The mail sandbox: an SMTP server and an IMAP server on loopback that stand for the outside world.

`smtp` takes mail and behaves as the recipient's address asks (`behaviour`), `returns` makes what
comes back, `store` keeps both in the database, `mailbox` serves what came back over IMAP.
"""
