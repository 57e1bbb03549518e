"""Networks F(x, noise_cond, cond): plain modules that know no schedule, loss or sampler."""
