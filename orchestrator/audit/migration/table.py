"""The rules about moving a script from a pool to a job: FT400 to FT439."""

from orchestrator.audit.races.rule import Rule

HEAD = "| rule | what | example | why | what to do | counts as |\n|---|---|---|---|---|---|"

MIGRATION = (
    Rule(
        "FT400",
        "call of a pool that becomes a job",
        "`pool.imap_unordered(shrink, paths)`",
        "One function on each of many items is what a job is; it runs on threads of one process, without pickling, and "
        "can be stopped and resumed.",
        "Name the function as `task:` and the items as `input:`; `--write DIR` writes both.",
        "note",
    ),
    Rule(
        "FT401",
        "wrapper made for a pool",
        "`def unpacked(args): return resize(*args)`",
        "A pool pickles the function by name and hands it one argument; threads share the function itself.",
        "Call the inner function in the task.",
        "note",
    ),
    Rule(
        "FT402",
        "arguments packed for a pool",
        "`starmap(f, [(x, 3) for x in xs])`, `partial(f, k=3)`, `repeat(3)`",
        "What is the same for every item was packed, pickled and sent with each of them.",
        "Give it once, as `with:` in job.yaml or in the task.",
        "note",
    ),
    Rule(
        "FT403",
        "initializer",
        "`Pool(initializer=load, initargs=(path,))`",
        "It made the state of each process once in each of them; threads share one copy.",
        "`@task(process=load)`; what cannot be shared is made with `@task(thread=…)` and reached as `ctx.thread`.",
        "note",
    ),
    Rule(
        "FT404",
        "how processes are started",
        "`set_start_method(…)`, `get_context(…)`, `freeze_support()`",
        "Threads need no start method, and import the script's module once.",
        "Leave it out.",
        "note",
    ),
    Rule(
        "FT405",
        "tuning of a pool",
        "`chunksize=64`, `maxtasksperchild=100`, `n_jobs=-1`",
        "ftorch takes as many threads as the CPU quota allows, sizes its chunks while it runs, and replaces a worker "
        "that dies.",
        "Leave it out; `resources.threads` sets a number where one is needed.",
        "note",
    ),
    Rule(
        "FT406",
        "pickler of its own",
        "`import dill`, `cloudpickle.dumps(f)`",
        "It carried to processes what the standard pickle refuses; threads are given the objects themselves.",
        "Leave it out, unless files are written with it.",
        "note",
    ),
    Rule(
        "FT407",
        "object shared between processes",
        "`Manager().dict()`, `shared_memory.SharedMemory(…)`, `Value('i')`",
        "Threads see the same objects without a server process or shared memory. A proxy's single calls were safe, and "
        "so are a plain dict's; several steps are not, then as now.",
        "Use a plain dict, list, number or array, and a fold (`@task(fold=…)`) for what is counted or collected.",
        "note",
    ),
    Rule(
        "FT408",
        "lock or event between processes",
        "`multiprocessing.Lock()`",
        "It costs a system call for what a thread's own lock does in memory.",
        "Use the one of the same name from `threading`.",
        "note",
    ),
    Rule(
        "FT410",
        "state that each process had for itself, and that would race",
        "`counts[word] += 1` with a dict of the module",
        "Each process had its own copy, so nobody else touched it; all threads share one, and this would race.",
        "See the rule that it names: return it and fold, keep it in `ctx.thread`, or hold a lock.",
    ),
    Rule(
        "FT411",
        "state that each process had for itself, and that becomes common",
        "`seen.append(name)` with a list of the module",
        "It held what one process had done; now it holds what all threads do. Each step is safe by itself.",
        "Look whether a result depends on what is in it. A cache gains; a list that only grows is one list now.",
        "note",
    ),
    Rule(
        "FT412",
        "global set before the workers were forked",
        "`TABLE = load()` under `if __name__ == '__main__':`, read by the function",
        "Forked workers inherited it; a job imports the task, and that line is not run.",
        "Make it in a function, `@task(process=…)`; `--write` does where the value can be told.",
    ),
    Rule(
        "FT413",
        "what told processes apart",
        "`os.getpid()`, `multiprocessing.current_process().name`",
        "All threads have the same process; what is named or seeded by it is the same for all.",
        "Use `ctx.index`, the thread's number, or the item itself.",
    ),
    Rule(
        "FT414",
        "made once in each process, and not made for threads",
        "`global conn; conn = sqlite3.connect(path)` in an initializer",
        "One connection, file, buffer or generator of random numbers that all threads use at once fails or mixes up.",
        "Make one for each thread, `@task(thread=…)`, and reach it as `ctx.thread`.",
    ),
    Rule(
        "FT420",
        "pool whose work cannot be told by reading",
        "`pool.map(handlers[name], items)`",
        "Which function it calls, or on what, is decided when the script runs.",
        "Name the function as the job's task yourself; nothing was assumed about it.",
    ),
    Rule(
        "FT421",
        "items that cannot be told by reading",
        "`pool.map(f, find_work(arguments))`",
        "A job reads its items from files, lines, records, a table or a range; these come from code.",
        "Have that code write one JSON value a line, and name the file: `input: {jsonl: {path: items.jsonl}}`.",
        "note",
    ),
    Rule(
        "FT430",
        "results that lead to new items",
        "`for r in as_completed(fs): pool.submit(f, r.result())`",
        "A job's items are known when it begins; a task cannot add to them.",
        "Make a job of each round, whose output is the next one's input, or stay with a pool for this part.",
    ),
    Rule(
        "FT431",
        "pool inside a task",
        "`def f(x): return Pool(2).map(g, x)`",
        "The job's threads already fill the CPUs; each of them would start a pool of its own.",
        "Make the inner items the job's items, or do them in a plain loop.",
    ),
    Rule(
        "FT432",
        "processes that send each other messages",
        "`Process(target=work, args=(tasks, results))` with queues",
        "A job has no queues between its tasks: items come from the input, and results go to the output.",
        "What the loop does with one message is the task; queues, sentinels and joins go. Where a worker "
        "feeds its own queue, stay with it.",
    ),
)
