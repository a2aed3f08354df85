"""The acceptance walk: real server processes, driven by the real AWS CLI and by boto3.

Run it with `make walk`, or `python -m walk --help` where walk/requirements.txt is installed. It goes the way
a new user goes, one step per file in `walk/steps/`, and checks the contents of every answer.
"""
