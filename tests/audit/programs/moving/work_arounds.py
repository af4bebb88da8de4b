import multiprocessing as mp
import dill  # FT406

lock = mp.Lock()  # FT408


def g(a, b):
    return a


def f(pair):  # FT401
    return g(*pair)


if __name__ == "__main__":
    mp.set_start_method("spawn")  # FT404
    with mp.Manager() as m:  # FT407
        with mp.Pool(maxtasksperchild=1) as pool:  # FT405
            pool.map(f, [(1, 2), (3, 4)])  # FT400
