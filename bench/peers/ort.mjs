// Both builds of ONNX Runtime: one node of kind LSTM. Streaming feeds the states back.

/** @param {typeof import("onnxruntime-common")} ort @param {object} options of the session */
export const createWith =
  (ort, options) =>
  async ({ what, T, B, I, H }, problem, onnx) => {
    const session = await ort.InferenceSession.create(onnx, { intraOpNumThreads: 1, interOpNumThreads: 1, ...options });
    const zeros = () => new ort.Tensor("float32", new Float32Array(B * H), [1, B, H]);
    const feeds = { x: new ort.Tensor("float32", problem.x.data, [T, B, I]), h0: zeros(), c0: zeros() };
    const fetches = what === "step" ? ["hn", "cn"] : ["y"];
    let output = new Float32Array();
    const run = async () => {
      const results = await session.run(feeds, fetches);
      if (what === "step") {
        feeds.h0 = results.hn;
        feeds.c0 = results.cn;
        output = results.hn.data;
      } else output = results.y.data;
    };
    return { run, result: () => output };
  };
