// The shapes that speed is measured on: velocity MLP u(t, x), input [x (d), t], L hidden layers of width H, SiLU. Train steps on B rows, 100 Euler steps of N rows.
// `train` and `sample` are the floors: fractions of the f32 fma peak measured in the same run that a throw-away trial of 150 lines reached.
// Flop convention: train step 6 B P, evaluation 2 B P, P = (d + 1) H + (L - 1) H^2 + H d.
export const cases = [
  { d: 2, H: 64, L: 3, B: 256, N: 4096, train: 0.58, sample: 0.57 },
  { d: 2, H: 256, L: 3, B: 256, N: 4096, train: 0.68, sample: 0.73 },
  { d: 2, H: 256, L: 3, B: 4096, N: 4096, train: 0.69, sample: null },
  { d: 16, H: 256, L: 4, B: 1024, N: 4096, train: 0.75, sample: 0.78 },
  { d: 64, H: 512, L: 4, B: 1024, N: 1024, train: 0.75, sample: 0.74 },
  { d: 784, H: 1024, L: 4, B: 256, N: 256, train: 0.61, sample: 0.74 },
  { d: 256, H: 1024, L: 6, B: 1024, N: 256, train: 0.63, sample: null },
];
/** The project promises this share of the floor everywhere. */
export const share = 0.8;
export const weights = ({ d, H, L }) => (d + 1) * H + (L - 1) * H * H + H * d;
export const title = ({ d, H, L }) => `(${d}, ${H}, ${L})`;
