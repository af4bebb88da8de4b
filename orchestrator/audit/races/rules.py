"""The rules about races and migration: one table, from which findings, the pages in `docs` and the tests are made."""

from collections.abc import Iterable

from orchestrator.audit.findings import Finding
from orchestrator.audit.migration.table import MIGRATION
from orchestrator.audit.races.rule import Rule, Severity

RACES = (
    Rule(
        "FT100",
        "acceptance that accepts nothing",
        "`# ftorch: ok FT102`",
        "An accepted finding needs a rule that exists and a reason, or nobody can tell later whether it still holds.",
        "Write `# ftorch: ok FT102 the reason` on the line of the finding, or the line above it.",
    ),
    Rule(
        "FT101",
        "lost update of a global",
        "`global total; total += n`",
        "Reading, adding and storing are three steps; two threads read the same value and one addition is lost.",
        "Return the number and let a fold add it up (`@task(fold=…)`), or hold one lock around the update.",
    ),
    Rule(
        "FT102",
        "read-modify-write of something shared",
        "`counts[word] += 1`",
        "The entry is read, changed and stored in separate steps; a store in between by another thread is lost.",
        "Return the item's own counts and merge them in a fold, keep them in `ctx.thread`, or hold a lock around it.",
    ),
    Rule(
        "FT103",
        "check, then act",
        "`if queue: queue.pop()`",
        "What was checked may no longer hold when it is acted on: another thread acted in between.",
        "Do both in one call (`setdefault`, `pop(key, None)`, `exist_ok=True`, try), or hold a lock around both.",
    ),
    Rule(
        "FT104",
        "lazy singleton",
        "`if model is None: model = load()`",
        "Two threads find nothing there and both make it: twice the time and memory, and two objects instead of one.",
        "Make it once per process with `@task(process=load)`, at import, or check again inside a lock.",
    ),
    Rule(
        "FT105",
        "state of a class",
        "`Parser.depth += 1`, or a list of the class filled through `self`",
        "A class is one object for all threads, and what is set on it, or put into its lists, belongs to all of them.",
        "Set it in `__init__`, on the object; for a count of everything, use a fold.",
    ),
    Rule(
        "FT106",
        "mutable default",
        "`def f(item, seen=[]): seen.append(item)`",
        "A default is made once, when the function is defined: every call in every thread changes the same object.",
        "Take None as the default, and make a new object in the function.",
    ),
    Rule(
        "FT107",
        "shared array or buffer",
        "`buffer[:] = item` with a module's numpy array or bytearray",
        "Another thread overwrites the buffer before this one has read its result from it; no lock guards arrays.",
        "Make the buffer once per thread: `@task(thread=make_buffer)`, then `ctx.thread`.",
    ),
    Rule(
        "FT108",
        "shared iterator",
        "`next(numbers)` with a module's generator or open file",
        "Iterators keep their position without a lock: values come twice or not at all, and a generator raises "
        "ValueError or crashes the interpreter (CPython 3.14).",
        "Let the job's input hand out the items, give each thread its own iterator, or lock around `next`, as "
        "`orchestrator.serialize_iterator` does. `itertools.count` is safe.",
    ),
    Rule(
        "FT109",
        "iteration over what others change",
        "`for key in cache:` while `cache[item] = …` elsewhere",
        "A dict, set or deque that grows or shrinks during iteration raises RuntimeError; a list skips or repeats.",
        "Iterate over a copy (`list(cache)`, `cache.copy()`: one step each), or hold the lock that writers hold.",
    ),
    Rule(
        "FT110",
        "written, then read back",
        "`global current; current = item; …` and a function that reads `current`",
        "Between the write and the read another thread writes its own, and this one goes on with the other's value.",
        "Pass it as an argument and return it, or keep it in `ctx.thread` or `threading.local()`.",
    ),
    Rule(
        "FT199",
        "source that cannot be read",
        "a syntax error, or bytes that are not UTF-8",
        "What cannot be read cannot be judged, and Python will not import it either.",
        "Correct the file; a file that is not UTF-8 says so in its first line: `# -*- coding: latin-1 -*-`.",
        "error",
    ),
    Rule(
        "FT201",
        "state of the process",
        "`os.chdir(folder)`, `os.environ[name] = …`, `sys.stdout = …`",
        "The process has it once: from that moment it has changed for the items of all other threads too.",
        "Use absolute paths, `cwd=` and `env=` of subprocess, `file=` of print; set what holds for the whole job "
        "before it starts.",
    ),
    Rule(
        "FT202",
        "decimal context",
        "`decimal.getcontext().prec = 50`",
        "A context belongs to a thread: set at import, it does not reach the job's threads; set in the task, it stays "
        "for the thread's next items (and a plain thread pool shares main's context).",
        "Write `with decimal.localcontext(prec=50):` around the computation.",
    ),
    Rule(
        "FT203",
        "signal in a task",
        "`signal.alarm(5)`",
        "Signals and their handlers belong to the process and its main thread; in another thread `signal.signal` "
        "raises ValueError, and an alarm interrupts whoever is main.",
        "Use the job's `timeout: {item: 5s}`.",
    ),
    Rule(
        "FT204",
        "global random stream",
        "`random.seed(1)`, then `random.random()` in the task",
        "All threads draw from one stream in whatever order they come, so a seed no longer gives the same numbers to "
        "the same item.",
        "Make a generator from the item: `random.Random(f'{seed}:{key}')`, `numpy.random.default_rng([seed, n])`.",
    ),
    Rule(
        "FT301",
        "another result on threads",
        "found by running: `BUFFER[:] = n; return BUFFER.sum()`",
        "The same items, one after the other, gave the same results twice; with two at a time one of them differed.",
        "Look at the two lines: what they share must be the thread's own (`ctx.thread`), or guarded by one lock.",
    ),
    Rule(
        "FT302",
        "exception on threads",
        "found by running: `if LEFT: LEFT.pop()`",
        "An item that returns when it runs alone raised while another ran beside it, or outside the main thread.",
        "Look at the two lines: what they share must be the thread's own (`ctx.thread`), or guarded by one lock.",
    ),
    Rule(
        "FT303",
        "crash or hang on threads",
        "found by running: two threads in one generator",
        "One item after the other ended well; with two at a time the process died, or did not end.",
        "Look at the two lines: what they share must be the thread's own (`ctx.thread`), or guarded by one lock.",
        "error",
    ),
    Rule(
        "FT304",
        "variable that ends differently on threads",
        "found by running: `total += n`",
        "A variable of the module, or the process state, ended the same in every order of the items, but not with two "
        "at a time: something was lost, or done twice.",
        "Return the item's share and let a fold add it up, make it once per process, or hold one lock around it.",
    ),
    Rule(
        "FT310",
        "task that is not deterministic",
        "`return random.random()`",
        "It gives other results each time even alone, so what threads change cannot be told.",
        "Nothing, if that is meant; numbers from a generator that is made from the item make it repeatable.",
        "note",
    ),
    Rule(
        "FT311",
        "task that was not tried on threads",
        "an item that takes seconds, or ends the process",
        "Only what runs in a moment is tried before the job; what was read still holds.",
        "`ftorch submit --limit 2` shows what becomes of an item.",
        "note",
    ),
)

TABLE: tuple[Rule, ...] = (*RACES, *MIGRATION)
RULES = {rule.id: rule for rule in TABLE}

HEAD = "| rule | what | example | why it races | what to do | counts as |\n|---|---|---|---|---|---|"


def found(
    rule: str,
    message: str,
    place: tuple[str, int],
    detail: dict[str, str] | None = None,
    severity: Severity | None = None,
) -> Finding:
    """A finding of a rule at a place (file, line)."""
    known = RULES[rule]
    return Finding(rule, severity or known.severity, message, *place, known.why, known.fix, detail or {})


def page(rules: Iterable[Rule] = RACES, head: str = HEAD) -> str:
    """Some rules as a table in Markdown: by default those about races, as `docs/races.md` has them."""
    rows = (
        f"| {rule.id} | {rule.title} | {rule.example} | {rule.why} | {rule.fix} | {rule.severity} |" for rule in rules
    )
    return "\n".join((head, *rows))
