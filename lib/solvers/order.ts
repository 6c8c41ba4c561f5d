// Order conditions of a Runge-Kutta method: for every rooted tree with at most p nodes, sum_i b_i Phi_i(tree) = 1 / gamma(tree).
// Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section II.2 (17 trees up to order 5).

/** A rooted tree: the list of the subtrees at its root. */
interface Tree {
  readonly children: readonly Tree[];
  readonly size: number;
  readonly name: string;
}

function tree(children: readonly Tree[]): Tree {
  const sorted = [...children].sort((p, q) => (p.name < q.name ? -1 : 1));
  return { children: sorted, size: 1 + sorted.reduce((sum, c) => sum + c.size, 0), name: `[${sorted.map((c) => c.name).join('')}]` };
}

/** All rooted trees with exactly `size` nodes: 1, 1, 2, 4, 9 for sizes 1 to 5. */
export function trees(size: number): Tree[] {
  if (size === 1) return [tree([])];
  const found = new Map<string, Tree>();
  const extend = (children: readonly Tree[], left: number): void => {
    if (left === 0) {
      const made = tree(children);
      found.set(made.name, made);
      return;
    }
    for (let part = 1; part <= left; part++) for (const child of trees(part)) extend([...children, child], left - part);
  };
  extend([], size - 1);
  return [...found.values()];
}

function density(t: Tree): number {
  return t.children.reduce((product, child) => product * density(child), t.size);
}

/** Phi_i(tree): product over subtrees of sum_j a_ij Phi_j(subtree). */
function weight(t: Tree, a: readonly (readonly number[])[], i: number): number {
  return t.children.reduce((product, child) => product * (a[i] ?? []).reduce((sum, aij, j) => sum + aij * weight(child, a, j), 0), 1);
}

/** How far the conditions of exactly `order` are from holding, with the worst tree. */
export function orderResidual(order: number, a: readonly (readonly number[])[], b: readonly number[]): { residual: number; tree: string } {
  let worst = { residual: 0, tree: '' };
  for (const t of trees(order)) {
    const residual = Math.abs(b.reduce((sum, bi, i) => sum + bi * weight(t, a, i), 0) - 1 / density(t));
    if (!(residual <= worst.residual)) worst = { residual, tree: t.name };
  }
  return worst;
}

/** Highest order that is checked. */
export const highestOrder = 5;
/** Slack for tableaus written with about twelve digits. */
export const orderTolerance = 1e-10;
