// The main job as plain commands, in order: what `npm run quickstart` runs and prints. `title` says in one line what each is for.

const table = 'examples/data/penguins.csv';
/** As many rows as the CSV has. */
const rows = 344;

export const commands = [
  {
    title: 'Train on a real table: 344 penguins, four measurements, species, island and sex',
    args: ['fit', table, '--null', '.', '-o', 'out/penguins.safetensors'],
  },
  {
    title: 'As many synthetic rows as the table has',
    args: ['sample', 'out/penguins.safetensors', '-n', String(rows), '--seed', '1', '-o', 'out/penguins.csv'],
  },
  { title: 'Compare them with the real ones', args: ['report', 'out/penguins.safetensors', table, '--null', '.', '--seed', '1', '-o', 'out/penguins.html'] },
  {
    title: 'Export the sampler and run it in onnxruntime-node on the same noise',
    args: ['export', 'out/penguins.safetensors', '-o', 'out/penguins.onnx', '--check'],
  },
  { title: 'What the model file holds', args: ['inspect', 'out/penguins.safetensors'] },
];
