"""pytorch.py ORDER: native PyTorch on one thread, by the protocol of child.ts."""
import json, os, sys, time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when it is loaded
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)  # it chooses its kernels itself: some machines name older, slower ones
import numpy, torch

torch.set_num_threads(1)
torch.set_num_interop_threads(1)
SAMPLE = 2e-3
AGREEMENT, UPDATES, LEARNING_RATE = 1e-4, 2, 0.01


def read(file):
    """The tensors of a safetensors file of float32."""
    raw = open(file, "rb").read()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    def tensor(entry):
        start, end = entry["data_offsets"]
        values = numpy.frombuffer(raw[8 + size + start : 8 + size + end], numpy.float32)
        return torch.from_numpy(values.reshape(entry["shape"]).copy())
    return {name: tensor(entry) for name, entry in header.items()}


def create(what, I, H, p):
    """A function that does the work once and answers its result."""
    weights = {name: p[name] for name in p if name.endswith("_l0")}
    if what == "step":
        cell = torch.nn.LSTMCell(I, H)
        cell.load_state_dict({name[:-3]: value for name, value in weights.items()})
        state = [torch.zeros(1, H), torch.zeros(1, H)]
        x = p["x"][0]
        def step():
            with torch.inference_mode():
                state[:] = cell(x, tuple(state))
            return state[0]
        return step
    lstm = torch.nn.LSTM(I, H)
    lstm.load_state_dict(weights)
    if what == "forward":
        def forward():
            with torch.inference_mode():
                return lstm(p["x"])[0]
        return forward
    head = torch.nn.Linear(H, 1)
    head.load_state_dict({"weight": p["head.weight"], "bias": p["head.bias"]})
    optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], lr=LEARNING_RATE)
    def train():
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(head(lstm(p["x"])[0][-1]), p["target"])
        loss.backward()
        optimizer.step()
        return loss.detach()
    return train


def sample(run, runs):
    start = time.perf_counter()
    for _ in range(runs):
        run()
    return time.perf_counter() - start


def measure(run, budget):
    """As `time` of bench/timing.ts: seconds of one run."""
    end = time.perf_counter() + budget
    runs, took = 1, sample(run, 1)
    while took < SAMPLE:
        runs = int(-(-runs * min(10, 1.25 * SAMPLE / max(took, 1e-6)) // 1))
        took = sample(run, runs)
    samples = [took / runs]
    while time.perf_counter() < end:
        samples.append(sample(run, runs) / runs)
    return numpy.median(samples)


def blas():
    """What multiplies matrices: PyTorch's speed is that of this library."""
    if torch.backends.mkl.is_available():
        return "MKL"
    maps = open("/proc/self/maps").read() if os.path.exists("/proc/self/maps") else ""
    return "OpenBLAS" if "openblas" in maps and "/blas/libblas" not in maps else "reference BLAS, which is slow"


order = json.loads(sys.argv[1])
print(json.dumps({"version": f"PyTorch {torch.__version__} with {blas()}"}), flush=True)
wall, processor = time.perf_counter(), time.process_time()
for case in order["cases"]:
    p = read(f"{order['folder']}/{case['name']}.safetensors")
    run = create(case["what"], case["I"], case["H"], p)
    start = time.perf_counter()
    results = [run().clone().reshape(-1) for _ in range(UPDATES if case["what"] == "training" else 1)]
    got, want = torch.cat(results), p["want.twoBiases"]
    apart = float((got - want).abs().max() / want.abs().max())
    if not apart < AGREEMENT:
        sys.exit(f"torch {case['name']}: expected results within {AGREEMENT} of each other, got {apart}: not timed")
    left = order["warmUp"] / 1000 - (time.perf_counter() - start)
    if left > 0:
        measure(run, left)
    print(json.dumps({"name": case["name"], "ns": 1e9 * measure(run, order["budget"] / 1000)}), flush=True)
share = (time.process_time() - processor) / (time.perf_counter() - wall)
print(json.dumps({"share": min(1, share)}), flush=True)
