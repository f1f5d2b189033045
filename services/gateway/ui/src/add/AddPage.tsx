// To come.
export function AddPage() {
  return <h1>AddPage</h1>;
}
