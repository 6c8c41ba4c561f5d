// Stands for a velocity model that some other program exported: inputs `x` (N, 2) and `t` (N), output `v` (N, 2). It holds the exact field of a flow from
// N(0, I) to N(mean, deviation^2 I):  v = mean + (t s^2 - (1 - t)) / ((1 - t)^2 + t^2 s^2) (x - t mean), whose flow carries z to mean + s z.
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType, TensorProtoSchema } from 'onnx-buf';

const float = TensorProto_DataType.FLOAT;
const shape = (...dims: (string | bigint)[]) => ({
  dim: dims.map((d) => ({ value: typeof d === 'string' ? { case: 'dimParam' as const, value: d } : { case: 'dimValue' as const, value: d } })),
});
const tensor = (name: string, dims: bigint[]) => ({
  name,
  type: { value: { case: 'tensorType' as const, value: { elemType: float, shape: dims.length > 1 ? shape('N', dims[1]!) : shape('N') } } },
});
const constant = (name: string, values: number[], dims: bigint[] = []) => create(TensorProtoSchema, { name, dataType: float, dims, floatData: values });

export function gaussianField(mean: readonly [number, number], deviation: number): Uint8Array {
  const node = (opType: string, input: string[], output: string) => ({ opType, input, output: [output], name: output });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'another program',
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'field',
      input: [tensor('x', [0n, 2n]), tensor('t', [0n])],
      output: [tensor('v', [0n, 2n])],
      initializer: [
        constant('mean', [...mean], [2n]),
        constant('one', [1]),
        constant('variance', [deviation * deviation]),
        create(TensorProtoSchema, { name: 'column', dataType: TensorProto_DataType.INT64, dims: [1n], int64Data: [1n] }),
      ],
      node: [
        node('Unsqueeze', ['t', 'column'], 'time'),
        node('Sub', ['one', 'time'], 'rest'),
        node('Mul', ['time', 'variance'], 'scaled'),
        node('Sub', ['scaled', 'rest'], 'above'),
        node('Mul', ['rest', 'rest'], 'rest2'),
        node('Mul', ['time', 'scaled'], 'time2'),
        node('Add', ['rest2', 'time2'], 'below'),
        node('Div', ['above', 'below'], 'slope'),
        node('Mul', ['time', 'mean'], 'centre'),
        node('Sub', ['x', 'centre'], 'apart'),
        node('Mul', ['slope', 'apart'], 'pull'),
        node('Add', ['mean', 'pull'], 'v'),
      ],
    },
  });
  return toBinary(ModelProtoSchema, model);
}
