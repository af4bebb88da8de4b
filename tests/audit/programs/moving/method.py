from multiprocessing import Pool


class Work:
    def one(self, x):
        return x

    def all(self):
        return Pool().map(self.one, range(3))  # FT420
