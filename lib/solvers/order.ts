// Order conditions of a Runge-Kutta method: for every rooted tree with at most p nodes, sum_i b_i Phi_i(tree) = 1 / gamma(tree); of its dense output at
// theta, sum_i b_i(theta) Phi_i(tree) = theta^nodes / gamma(tree). Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, sections
// II.2 and II.6 (200 trees up to order 8).

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

const grown = new Map<number, readonly Tree[]>();

/** All rooted trees with exactly `size` nodes: 1, 1, 2, 4, 9, 20, 48, 115 for sizes 1 to 8. */
export function trees(size: number): readonly Tree[] {
  const known = grown.get(size);
  if (known) return known;
  const found = new Map<string, Tree>();
  // Children of falling size: every multiset comes up at least once.
  const extend = (children: readonly Tree[], left: number, most: number): void => {
    if (left === 0) {
      const made = tree(children);
      found.set(made.name, made);
      return;
    }
    for (let part = 1; part <= Math.min(left, most); part++) for (const child of trees(part)) extend([...children, child], left - part, part);
  };
  extend([], size - 1, size - 1);
  grown.set(size, [...found.values()]);
  return grown.get(size) as readonly Tree[];
}

function density(t: Tree): number {
  return t.children.reduce((product, child) => product * density(child), t.size);
}

/** How far the conditions of exactly `order` are from holding, with the worst tree; weights `b` at `theta` (1: the end of the step). */
export type OrderResidual = (order: number, b: readonly number[], theta?: number) => { residual: number; tree: string };

/** The conditions of the methods with stage coefficients `a`; each tree's Phi is computed once. */
export function orderConditions(a: readonly (readonly number[])[]): OrderResidual {
  const known = new Map<string, readonly number[]>();
  /** Phi_i(tree): product over subtrees of sum_j a_ij Phi_j(subtree). */
  const phi = (t: Tree): readonly number[] => {
    const before = known.get(t.name);
    if (before) return before;
    const parts = t.children.map(phi);
    const value = a.map((row) => parts.reduce((product, part) => product * row.reduce((sum, aij, j) => sum + aij * (part[j] as number), 0), 1));
    known.set(t.name, value);
    return value;
  };
  return (order, b, theta = 1) => {
    let worst = { residual: 0, tree: '' };
    for (const t of trees(order)) {
      const weights = phi(t);
      const residual = Math.abs(b.reduce((sum, bi, i) => sum + bi * (weights[i] as number), 0) - theta ** order / density(t));
      if (!(residual <= worst.residual)) worst = { residual, tree: t.name };
    }
    return worst;
  };
}

/** The same for one set of weights. */
export function orderResidual(order: number, a: readonly (readonly number[])[], b: readonly number[]): { residual: number; tree: string } {
  return orderConditions(a)(order, b);
}

/** b_i(theta) = sum_p dense[i][p] theta^(p + 1). */
export function denseWeights(dense: readonly (readonly number[])[], theta: number): number[] {
  return dense.map((row) => row.reduceRight((sum, value) => (sum + value) * theta, 0));
}

/** Highest order that is checked. */
export const highestOrder = 8;
/** Slack for tableaus written with about twelve digits. */
export const orderTolerance = 1e-10;
