"""Real client libraries against a real server: the AWS SDKs and the mappers that applications use on top of them.

Run it with `make clients`. One folder per language, each with its own pinned versions; README.md tells more.
"""
