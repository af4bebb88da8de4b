from joblib import Parallel, delayed


def f(x, k):
    return x


out = Parallel(n_jobs=2)(delayed(f)(x, k=2) for x in range(9))  # FT400, FT405
