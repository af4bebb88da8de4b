from multiprocessing import Pool
import sqlite3

db = None


def start():
    global db
    db = sqlite3.connect("x")  # FT414


def f(x):
    return db.execute("select ?", [x]).fetchone()


with Pool(None, start) as pool:  # FT403, FT405
    pool.map(f, range(9))  # FT400
