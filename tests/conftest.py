"""What every test starts from, whoever runs the tests."""

import signal

# A shell starts its background jobs with SIGINT ignored; so would be the commands that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
