# Judges exported files with Python's onnx package: the full check with strict shape inference, then the reference evaluator (and onnxruntime, when it is
# there) on the same inputs. Usage: python check-onnx.py FOLDER. Files and inputs come from the tests in test/onnx; see check-onnx.sh.
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

try:
    import onnxruntime
except ImportError:
    onnxruntime = None


def feeds_of(case):
    return {
        name: np.array(feed["data"], np.float64 if feed["double"] else np.float32).reshape(feed["dims"])
        for name, feed in case["feeds"].items()
    }


def distance(a, b):
    """Largest difference over the largest value of its column."""
    if a.size == 0:
        return 0.0
    scale = np.abs(b).max(axis=0) + 1e-30
    return float((np.abs(a - b) / scale).max())


def judge(path):
    model = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    case = json.loads(path.with_suffix(".json").read_text())
    feeds = feeds_of(case)
    defaults = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    names = [i.name for i in model.graph.input]
    full = {name: feeds.get(name, defaults.get(name)) for name in names}
    columns = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    want = np.array(case["output"], np.float32).reshape(-1, columns)
    errors = [distance(ReferenceEvaluator(model).run(None, full)[0], want)]
    if onnxruntime is not None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        errors.append(distance(session.run(None, feeds)[0], want))
    return max(errors)


def main(folder):
    files = sorted(pathlib.Path(folder).glob("*.onnx"))
    if not files:
        sys.exit(f"{folder}: no .onnx files")
    failed, worst = 0, 0.0
    for path in files:
        try:
            error = judge(path)
        except Exception as problem:  # noqa: BLE001 - every problem of one file is a failure of that file
            failed += 1
            print(f"{path.name}: {str(problem)[:400]}")
            continue
        worst = max(worst, error)
        if not error < 1e-4:
            failed += 1
            print(f"{path.name}: differs by {error:.2e}")
    judges = "checker, reference evaluator" + (f", onnxruntime {onnxruntime.__version__}" if onnxruntime else "")
    print(f"onnx {onnx.__version__} ({judges}): largest difference {worst:.1e}")
    print(f"{len(files) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main(sys.argv[1])
