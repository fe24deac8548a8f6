"""The mail sandbox: an SMTP server and an IMAP server on loopback that simulate the outside world.

`smtpserver` takes mail, and answers as the recipient's address asks (`behaviour`). `returns` makes
bounces, complaints and automatic replies, `store` keeps them and the mail in the database, and
`imapserver` serves them over IMAP.
"""
