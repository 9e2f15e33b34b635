"""The JAX peers, in a process and an environment of their own: reads requests, answers seconds.

Run by `smoothrelu.benchmark.peer` with the Python of the environment that `make peers` fills; it
imports neither torch nor smoothrelu. One JSON object a line: {"prepare": NAME, ...} compiles a
piece of work and runs it once; {"sample": true} runs it again and answers {"seconds": ...};
{"result": PATH} saves what it computed.
"""

import json
import math
import os
import sys
import time
import warnings

if "--one-core" in sys.argv:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import neural_tangents as nt
import numpy as np
from jax import numpy as jnp
from neural_tangents import stax

warnings.filterwarnings("ignore")
_IMPLEMENTATIONS = {
    "Jacobian contraction": nt.NtkImplementation.JACOBIAN_CONTRACTION,
    "NTK-vector products": nt.NtkImplementation.NTK_VECTOR_PRODUCTS,
    "structured derivatives": nt.NtkImplementation.STRUCTURED_DERIVATIVES,
}


def empirical(arrays: str, implementation: str, trace: bool):
    """The empirical NTK of a network of SiLUs, its weights and inputs given in a file."""
    stored = np.load(arrays)
    x, layers = jnp.asarray(stored["x"]), range((len(stored.files) - 1) // 2)
    parameters = [(jnp.asarray(stored[f"W{i}"]), jnp.asarray(stored[f"b{i}"])) for i in layers]

    def network(parameters, x):
        for W, b in parameters[:-1]:
            x = jax.nn.silu(x @ W + b)  # x @ W.T hides the structure from the third implementation
        W, b = parameters[-1]
        return x @ W + b

    kernel = nt.empirical_ntk_fn(
        network,
        trace_axes=(-1,) if trace else (),
        vmap_axes=0,
        implementation=_IMPLEMENTATIONS[implementation],
    )
    compiled = jax.jit(lambda x, parameters: kernel(x, None, parameters))
    outputs = parameters[-1][1].size if trace else 1  # it means over outputs, where others sum
    return lambda: compiled(x, parameters).block_until_ready() * outputs


def infinite(arrays: str, layer: str, depth: int, C_W: float, C_b: float, degree: int = 25):
    """NNGP and NTK of infinite width in float64, jitted."""
    jax.config.update("jax_enable_x64", True)
    x = jnp.asarray(np.load(arrays)["x"])

    def slope(u):
        return jax.nn.sigmoid(u) * (1 + u * jax.nn.sigmoid(-u))

    nonlinearity = {
        "Gelu": stax.Gelu,
        "Relu": stax.Relu,
        "ElementwiseNumerical": lambda: stax.ElementwiseNumerical(jax.nn.silu, degree, df=slope),
    }[layer]()
    dense = {"W_std": math.sqrt(C_W), "b_std": math.sqrt(C_b)}
    hidden = [stax.Dense(1, **dense), nonlinearity] * (depth - 1)
    *_, kernel = stax.serial(*hidden, stax.Dense(1, **dense))
    compiled = jax.jit(lambda x: tuple(kernel(x, None, ("nngp", "ntk"))))
    return lambda: jax.block_until_ready(compiled(x))


def main(replies) -> None:
    work = {"empirical": empirical, "infinite": infinite}
    current = answer = None
    for line in sys.stdin:
        request = json.loads(line)
        reply = {}
        if "prepare" in request:
            current = work[request.pop("prepare")](**request)
            answer = current()  # compiles
        elif "sample" in request:
            start = time.perf_counter()
            answer = current()
            reply["seconds"] = time.perf_counter() - start
        elif "result" in request:
            kernels = answer if isinstance(answer, tuple) else (answer,)
            np.savez(request["result"], *map(np.asarray, kernels))
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    replies, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no reply
    main(replies)
