"""A contact has a mail: a message of any mailing, in any state, in any block."""

from contacts.queries.mailed import conditions

# Index: message_by_contact. OFFSET 0: otherwise the planner may join with all messages there are.
conditions.add("EXISTS (SELECT FROM sending_message m WHERE m.contact_id = c.id OFFSET 0)")
