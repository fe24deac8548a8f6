"""Segments: contacts that match a rule. A rule is a tree of groups and conditions (`rules`); it is
compiled to SQL (`compiling`) and told in words (`wording`). Pure.

The app that owns the data of a condition registers its kind (`kinds`) in its module
`queries.conditions`.
"""
