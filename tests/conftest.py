"""What every test starts from, whoever runs the tests."""

import signal

# A shell starts its background jobs with SIGINT ignored; so would be the commands that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Likewise SIGHUP under nohup: what is handled here is at its default in what is started, and pytest itself goes on.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
