drop table letters; -- whoever still waits for one asks again
